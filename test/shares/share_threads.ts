// A thread that takes and releases at random from pools that it shares with other threads, and looks whether a limit is
// exceeded. Each thread adds to `taken` after it has taken, and subtracts before it releases: so `taken` is never more
// than what the pool counts.
import type { ShareColumn } from "../../src/shares/share_memory.ts";
import { TableSharePools } from "../../src/shares/table_share_pools.ts";
import { Random } from "../random.ts";
import { HAMMERED, HOLDERS } from "./table_pools.ts";

export interface HammerRequest {
  readonly column: ShareColumn;
  /** By holder; the last word is of all. */
  readonly taken: Int32Array<SharedArrayBuffer>;
  readonly steps: number;
  /** Whether it releases in the end all that it holds. */
  readonly isTidy: boolean;
}

export interface HammerReport {
  readonly taken: number;
  readonly refused: number;
  /** How often more was taken than a limit allows. */
  readonly exceeded: number;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<HammerRequest>) => void;
  postMessage(report: HammerReport): void;
};

scope.onmessage = ({ data }) => scope.postMessage(hammer(data));

function hammer(request: HammerRequest): HammerReport {
  const { column, taken, steps, isTidy } = request;
  const pool = new TableSharePools(column).pool("clients", HAMMERED);
  const random = new Random(column.worker + 1);
  const own: number[] = [];
  const report = { taken: 0, refused: 0, exceeded: 0 };
  const give = () => {
    const holder = own.splice(random.below(own.length), 1)[0]!;
    Atomics.sub(taken, holder, 1);
    Atomics.sub(taken, HOLDERS, 1);
    pool.release(`10.0.0.${holder}`);
  };
  for (let step = 0; step < steps; step++) {
    if (own.length > 0 && random.once(2)) {
      give();
      continue;
    }
    const holder = random.below(HOLDERS);
    if (pool.take(`10.0.0.${holder}`) !== null) {
      report.refused++;
      continue;
    }
    report.taken++;
    own.push(holder);
    const ofHolder = Atomics.add(taken, holder, 1) + 1;
    const ofAll = Atomics.add(taken, HOLDERS, 1) + 1;
    if (ofHolder > HAMMERED.maxOf() || ofAll > HAMMERED.capacity) {
      report.exceeded++;
    }
  }
  while (isTidy && own.length > 0) give();
  return report;
}
