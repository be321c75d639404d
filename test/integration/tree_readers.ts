// The clients of a tree of relays: some on each level, many on the lowest one, who read the same selections. Each row is
// compared, byte for byte, with what another client got for it.
// Invariant: bounded in clients and seconds, loopback only, ends by itself, and keeps rows only for a while.
// deno run … tree_readers.ts PLAN: says `attached` once all have a row, and at the end the figures of each level as JSON.
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { sleep, streamUrl } from "./chain.ts";
import { type Heard, RawStream } from "./raw_stream.ts";

export interface TreePlan {
  readonly seconds: number;
  readonly strideNs: string;
  /** The origin first. */
  readonly levels: readonly {
    readonly url: string;
    readonly clients: number;
  }[];
  readonly selections: readonly (readonly string[])[];
}

/** What the clients of one level got. */
export interface LevelFigures {
  readonly clients: number;
  rows: number;
  /** Rows whose bytes were compared with those of another level. */
  compared: number;
  /** Of them, those that differ. */
  different: number;
  /** Rows that do not follow the one before them. */
  outOfOrder: number;
  gaps: number;
  ends: number;
  /** Fewest rows of one client. */
  rowsMin: number;
  /** From the end of a row to its arrival, ms. */
  p50Ms: number;
  p99Ms: number;
}

const CLIENTS_MAX = 2000;
const SECONDS_MAX = 3600;
/** Clients open their streams so many at a time. */
const OPEN_AT_ONCE = 50;
/** A row is kept so long for those who get it later. */
const KEPT_NS = 60_000_000_000n;
const LATENCIES_MAX_MS = 20_000;

/** A row as it came first: who got it, and what. */
interface Kept {
  readonly level: number;
  readonly digest: string;
}

/** The rows of one selection that came lately. */
class Selection {
  readonly #kept = new Map<bigint, Kept>();

  /** What came first for this row; null: this did. */
  first(endNs: bigint, kept: Kept): Kept | null {
    const known = this.#kept.get(endNs);
    if (known !== undefined) return known;
    this.#kept.set(endNs, kept);
    for (const old of this.#kept.keys()) {
      if (endNs - old < KEPT_NS) break;
      this.#kept.delete(old);
    }
    return null;
  }
}

/** One level: its figures, and how often a row took so many ms. */
class Level {
  readonly figures: LevelFigures;
  readonly #latencies = new Uint32Array(LATENCIES_MAX_MS);

  constructor(clients: number) {
    this.figures = {
      clients,
      rows: 0,
      compared: 0,
      different: 0,
      outOfOrder: 0,
      gaps: 0,
      ends: 0,
      rowsMin: Infinity,
      p50Ms: NaN,
      p99Ms: NaN,
    };
  }

  took(ns: bigint): void {
    const ms = Math.round(Number(ns) / 1e6);
    const at = Math.min(Math.max(ms, 0), LATENCIES_MAX_MS - 1);
    this.#latencies[at]!++;
  }

  /** The figures, with the quantiles. */
  finished(): LevelFigures {
    this.figures.p50Ms = this.#quantile(0.5);
    this.figures.p99Ms = this.#quantile(0.99);
    return this.figures;
  }

  #quantile(part: number): number {
    let left = part * this.#latencies.reduce((sum, count) => sum + count, 0);
    return this.#latencies.findIndex((count) => (left -= count) <= 0);
  }
}

/** One client. */
class Client {
  rows = 0;
  readonly #level: Level;
  readonly #number: number;
  readonly #strideNs: bigint;
  readonly #selection: Selection;
  #newestNs = 0n;

  constructor(
    { level, number, strideNs, selection }: {
      level: Level;
      /** Of the level. */
      number: number;
      strideNs: bigint;
      selection: Selection;
    },
  ) {
    this.#level = level;
    this.#number = number;
    this.#strideNs = strideNs;
    this.#selection = selection;
  }

  take(heard: Heard): void {
    const { figures } = this.#level;
    if (heard.kind === "end") figures.ends++;
    else if (heard.kind === "gap") {
      figures.gaps++;
      this.#newestNs = heard.endNs;
    } else {
      const { endNs, digest } = heard;
      this.#level.took(nowGpsNs() - endNs);
      const follows = endNs === this.#newestNs + this.#strideNs;
      if (this.rows++ > 0 && !follows) figures.outOfOrder++;
      this.#newestNs = endNs;
      figures.rows++;
      const level = this.#number;
      const first = this.#selection.first(endNs, { level, digest });
      if (first === null) return;
      if (first.level !== level) figures.compared++;
      if (first.digest !== digest) figures.different++;
    }
  }
}

async function read(plan: TreePlan): Promise<LevelFigures[]> {
  const levels = plan.levels.map(({ clients }) => new Level(clients));
  const selections = plan.selections.map(() => new Selection());
  const strideNs = BigInt(plan.strideNs);
  const clients: { client: Client; level: Level; stream: RawStream }[] = [];
  const opens = plan.levels.flatMap(({ url, clients: count }, number) =>
    Array.from({ length: count }, (_, i) => async () => {
      const chosen = i % plan.selections.length;
      const names = plan.selections[chosen]!;
      const stream = await RawStream.open(streamUrl(url, "events", names));
      const selection = selections[chosen]!;
      const level = levels[number]!;
      const client = new Client({ level, number, strideNs, selection });
      stream.onHeard = (heard) => client.take(heard);
      clients.push({ client, level, stream });
    })
  );
  let isDone = false;
  const reads: Promise<void>[] = [];
  while (opens.length > 0) {
    await Promise.all(opens.splice(0, OPEN_AT_ONCE).map((open) => open()));
    for (const { stream } of clients.slice(reads.length)) {
      reads.push(stream.readWhile(() => !isDone));
    }
  }
  while (clients.some(({ client }) => client.rows === 0)) await sleep(50);
  say("attached");
  await sleep(plan.seconds * 1000);
  isDone = true;
  await Promise.all(reads);
  for (const { client, level: { figures } } of clients) {
    figures.rowsMin = Math.min(figures.rowsMin, client.rows);
  }
  return levels.map((level) => level.finished());
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

if (import.meta.main) {
  const plan = JSON.parse(Deno.args[0]!) as TreePlan;
  const clients = plan.levels.reduce((sum, { clients }) => sum + clients, 0);
  if (clients > CLIENTS_MAX || plan.seconds > SECONDS_MAX) {
    throw new Error(
      `At most ${CLIENTS_MAX} clients for ${SECONDS_MAX} s: asked for ${clients} for ${plan.seconds} s`,
    );
  }
  for (const { url } of plan.levels) {
    if (new URL(url).hostname === "127.0.0.1") continue;
    throw new Error(`Only 127.0.0.1 is read: ${url}`);
  }
  say(JSON.stringify(await read(plan)));
  Deno.exit(0);
}
