// Runs of rows in random worlds: clients join, leave, stall and resume while the delivery is behind.
// Invariant: what a client gets is without a hole: each row is there once and whole, or is in a gap that was reported.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { Random } from "../random.ts";
import { HeldOutlet } from "./held_outlet.ts";

const FIRST = 23_671_510_000;
const STRIDE_NS = 62_500_000n;
const NAMES = [
  "H1:QANAT-COUNT_I64_16",
  "H1:QANAT-RAMP_I16_64",
  "H1:QANAT-SINE_F32_256",
];
const SELECTIONS: readonly (readonly string[])[] = [
  NAMES,
  NAMES.slice(0, 1),
  NAMES.slice(1),
  NAMES.slice(1, 2),
];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);
const STEPS = 300;

interface Reader {
  readonly outlet: HeldOutlet;
  readonly options: Partial<ClientOptions>;
  readonly names: readonly string[];
  /** The end of the row before its first one, if that is known. */
  readonly after: bigint | null;
}

/** An event: a row, a gap, or another one. */
interface Event {
  readonly kind: string;
  readonly data: string;
}

function eventsOf({ text }: HeldOutlet): Event[] {
  assert.ok(text === "" || text.endsWith("\n\n"), "ends within an event");
  return text.split("\n\n").slice(0, -1).map((event) => {
    const lines = event.split("\n");
    const field = (name: string) =>
      lines.findLast((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2) ?? null;
    return {
      kind: field("event") ?? "row",
      data: field("data") ?? "",
    };
  });
}

/** What a client got: the text of each row by its time, and where rows and gaps end. */
interface Received {
  readonly rows: ReadonlyMap<bigint, string>;
  readonly to: bigint | null;
}

/** Checks that rows and gaps follow each other. */
function receivedBy({ outlet, after }: Reader): Received {
  const rows = new Map<bigint, string>();
  let to = after;
  for (const { kind, data } of eventsOf(outlet)) {
    if (kind === "gap") {
      const gap = JSON.parse(data);
      if (to !== null) assert.equal(BigInt(gap.from), to, data);
      to = BigInt(gap.filled ? gap.from : gap.to);
    } else if (kind === "row" && data !== "") {
      const time = BigInt(JSON.parse(data).time);
      if (to !== null) assert.equal(time, to, data);
      to = time + STRIDE_NS;
      rows.set(time, data);
    }
  }
  return { rows, to };
}

describe("random worlds with runs of rows", () => {
  for (let seed = 1; seed <= 4; seed++) {
    it(`lose nothing and send nothing twice: seed ${seed}`, async () => {
      const numbers = new Random(seed);
      const random = (below: number) => numbers.below(below);
      const source = new DrivenSource(channels);
      const clock = new BlockClock(FIRST);
      const qanat = new Qanat({
        config: configWith({
          retentionMb: 4,
          lingerMs: 0,
          sliceMs: 0,
          ...seed % 3 === 0 ? { slabMb: 0.25 } : {},
        }),
        source,
        log: silent,
        clocks: clock,
        later: setImmediate,
      });
      await qanat.start();
      const readers: Reader[] = [];
      const open: Reader[] = [];
      let row = FIRST;
      const join = (i: number, options: Partial<ClientOptions> = {}) => {
        const names = SELECTIONS[i]!;
        const admission = qanat.hub.admission.admit(
          names.map((name) => source.catalog.get(name, null)!),
          { format: "events" },
          { address: "", ...options },
        );
        if (admission.kind !== "ready") return;
        const outlet = new HeldOutlet();
        admission.open(outlet);
        const after = typeof options.afterNs === "bigint"
          ? options.afterNs
          : null;
        const reader = { outlet, options, names, after };
        readers.push(reader);
        open.push(reader);
      };
      const controls = SELECTIONS.map((_, i) => {
        join(i);
        return open.pop()!;
      });
      const publish = () => {
        clock.index = row + 1;
        const without = random(12) === 0 ? random(6) : -1;
        source.blocks.topics.forEach((topic, i) => {
          if (i !== without) {
            const block = source.blocks.blockOf(topic, row);
            source.sink!.onMessage(topic, block, row, 0);
          }
          source.sink!.onCaughtUp(topic, clock.clockMs());
        });
        row += random(60) === 0 ? 1 + random(4) : 1;
      };
      for (let i = 0; i < 3; i++) publish();
      for (let step = 0; step < STEPS; step++) {
        const choice = random(16);
        if (choice < 5) { for (let n = random(12); n >= 0; n--) publish(); }
        else if (choice < 8) {
          const slow = (["drop", "latest", "close"] as const)[random(3)];
          const options = {
            gaps: (["fill", "skip", "fail"] as const)[random(3)],
            ...slow === "drop" ? {} : { slow },
            ...random(3) === 0
              ? { durationNs: STRIDE_NS * BigInt(1 + random(40)) }
              : {},
            ...random(4) === 0 ? { latest: true } : {},
            ...random(4) === 0
              ? { afterNs: BigInt(row - random(30)) * STRIDE_NS }
              : {},
          } as Partial<ClientOptions>;
          for (let n = random(14); n >= 0; n--) {
            join(random(SELECTIONS.length), options);
          }
        } else if (choice < 11 && open.length > 0) {
          const { outlet } = open[random(open.length)]!;
          outlet.isStalled = true;
        } else if (choice < 13) {
          for (const { outlet } of open) {
            if (!outlet.isStalled || random(2) === 0) continue;
            outlet.isStalled = false;
            outlet.finish();
          }
        } else if (choice < 14 && open.length > 40) {
          for (const { outlet } of open.splice(random(open.length), 20)) {
            outlet.owner.onClose();
            outlet.finish();
          }
        }
        for (let n = random(4); n > 0; n--) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      for (const { outlet } of open) {
        outlet.isStalled = false;
        outlet.finish();
      }
      publish();
      const { counters } = qanat.hub.figures;
      // A turn has one step of a client that is behind.
      for (let still = 0, sum = -1; still < 50; still++) {
        await new Promise((resolve) => setImmediate(resolve));
        const written = counters.framesSent + counters.catchUpRows;
        if (written !== sum) still = 0;
        sum = written;
      }
      assert.ok(counters.rowsInRuns > 1000, `${counters.rowsInRuns}`);
      const expected = controls.map(receivedBy);
      let compared = 0;
      for (const reader of readers) {
        const known = expected[SELECTIONS.indexOf(reader.names)]!;
        const { rows, to } = receivedBy(reader);
        for (const [time, text] of rows) {
          if (!known.rows.has(time)) continue;
          assert.equal(text, known.rows.get(time));
          compared++;
        }
        const isOpen = reader.outlet.ending === "open" && open.includes(reader);
        if (isOpen && to !== null) {
          assert.ok(to >= known.to!, "it still waits");
        }
      }
      assert.ok(compared > 2000, `${compared} rows compared`);
      for (const { outlet } of [...open, ...controls]) outlet.isStalled = false;
      qanat.drain();
      for (const { outlet } of readers) outlet.finish();
      await qanat.close();
    });
  }
});
