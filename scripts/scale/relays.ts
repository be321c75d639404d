// What relays cost their origin, and how late rows are at each level of relays.
// Invariant: the cases of a round follow each other at once, and ratios are of one round, so that what else the machine
// does meets all of them; a row that was lost in one round stays in the result.
import {
  type InstanceFigures,
  measureTree,
  type TreeFigures,
  type TreeHome,
  type TreeInstance,
  type TreeOptions,
} from "./tree.ts";

/** Clients of each level, unless others are named: few, so that not their number decides how late rows are. */
export const LEVEL_CLIENTS = 100;
export const RELAY_CLIENTS = 500;

/** Instances that are measured together. The first one is the origin. */
export interface RelayCase {
  readonly name: string;
  readonly tree: readonly TreeInstance[];
}

/** What was measured of a case in all rounds. */
export interface CaseFigures {
  readonly name: string;
  readonly rounds: readonly TreeFigures[];
}

export interface RelayOptions extends TreeOptions {
  readonly rounds: number;
  readonly onBegin: (what: string) => void;
}

const KAFKA = { parent: null, clients: 0, reads: "ten" } as const;
const ONE_READER = { clients: 1, reads: "all" } as const;
const IDLE = "no client";
const READER = "one reader of all channels";

/** The origin without clients, with one reader, with clients of its own; then with relays that have the clients. */
export function relayCases(
  relays: readonly number[],
  clients: readonly number[],
): RelayCase[] {
  const cases: RelayCase[] = [
    { name: IDLE, tree: [KAFKA] },
    { name: READER, tree: [{ ...KAFKA, ...ONE_READER }] },
  ];
  const least = Math.min(...relays.filter((count) => count > 0));
  for (const count of relays) {
    const under = (leaf: Pick<TreeInstance, "clients" | "reads">) => [
      KAFKA,
      ...Array.from({ length: count }, () => ({ parent: 0, ...leaf })),
    ];
    const named = count === 1 ? "1 relay" : `${count} relays`;
    if (count === least) {
      cases.push({ name: `${named}, ${READER}`, tree: under(ONE_READER) });
    }
    for (const each of clients) {
      const leaf = { clients: each, reads: "ten" } as const;
      cases.push(
        count === 0
          ? { name: `${each} clients`, tree: [{ ...KAFKA, ...leaf }] }
          : { name: `${named}, ${each} clients each`, tree: under(leaf) },
      );
    }
  }
  return cases;
}

/** Relays in a row, each with clients, as the origin. */
export function levelCase(levels: number, clients: number): RelayCase {
  return {
    name: `${levels} levels`,
    tree: Array.from({ length: levels + 1 }, (_, i) => ({
      parent: i === 0 ? null : i - 1,
      clients,
      reads: "ten",
    })),
  };
}

/** Measures the cases, in each round all of them. */
export async function measureCases(
  home: TreeHome,
  cases: readonly RelayCase[],
  options: RelayOptions,
): Promise<CaseFigures[]> {
  const rounds = cases.map((): TreeFigures[] => []);
  for (let round = 1; round <= options.rounds; round++) {
    for (const [i, { name, tree }] of cases.entries()) {
      options.onBegin(`${name}, round ${round}`);
      rounds[i]!.push(await measureTree(home, tree, options));
    }
  }
  return cases.map(({ name }, i) => ({ name, rounds: rounds[i]! }));
}

/** The table of what relays cost their origin. */
export function relaysText(figures: readonly CaseFigures[]): string {
  const coresOf = (name: string) =>
    figures.find((it) => it.name === name)!.rounds.map(({ instances }) =>
      instances[0]!.cores
    );
  const idle = coresOf(IDLE);
  const reader = coresOf(READER);
  const rows = figures.map(({ name, rounds }) => {
    const origins = rounds.map(({ instances }) => instances[0]!);
    const relays = rounds.flatMap(({ instances }) => instances.slice(1));
    const served = relays.length > 0 ? relays : origins;
    const sent = origins.map((it) =>
      it.clientBytesPerSecond + it.relayBytesPerSecond
    );
    return [
      name,
      fixed(median(origins.map(({ cores }) => 1000 * cores)), 1),
      fixed(
        median(origins.map(({ cores }, i) => 1000 * (cores - idle[i]!))),
        1,
      ),
      fixed(median(origins.map(({ cores }, i) => cores / reader[i]!)), 2),
      fixed(median(sent) / 1e6, 2),
      fixed(median(origins.map(({ rssBytes }) => rssBytes)) / 1e6, 0),
      ...relayCells(relays),
      ...clientCells(served),
      ...machineCells(rounds),
    ];
  });
  return aligned([
    [
      "the origin has",
      "origin mcores",
      "over idle",
      "of a reader",
      "MB/s",
      "RSS MB",
      "relay mcores",
      "MB/s",
      "RSS MB",
      "p50",
      "p99",
      "lost",
      "failed",
      "others",
      "load",
    ],
    ...rows,
  ]);
}

export const RELAYS_LEGEND =
  `mcores: thousandths of a core. over idle: more than the origin without clients, in the same round. of a reader: the origin's
cores divided by those with one reader of all channels, in the same round. MB/s: sent to clients and relays (origin), to clients
(relay). relay: the median of all relays. p50, p99: ms from a row's end to its last byte read, of the clients of each instance;
lost: rows, the most of an instance; failed: clients. others: cores of all else on this machine, the readers, the broker and the
publisher included. load: the highest load average of a minute. Medians of the rounds.`;

/** The table of how late rows are at each level. */
export function levelsText({ rounds }: CaseFigures): string {
  const levels = rounds[0]!.instances.map((_, level) => {
    const all = rounds.map(({ instances }) => instances[level]!);
    const sent = all.map((it) =>
      (it.clientBytesPerSecond + it.relayBytesPerSecond) / 1e6
    );
    const more = (of: (it: InstanceFigures) => number) =>
      median(
        rounds.map(({ instances }) =>
          of(instances[level]!) - of(instances[0]!)
        ),
      );
    return [
      level === 0 ? "origin" : `level ${level}`,
      ...clientCells(all).slice(0, 2),
      level === 0 ? "-" : fixed(more(({ p50Ms }) => p50Ms!), 1),
      level === 0 ? "-" : fixed(more(({ p99Ms }) => p99Ms!), 1),
      ...clientCells(all).slice(2),
      fixed(median(all.map(({ cores }) => 1000 * cores)), 1),
      fixed(median(sent), 2),
      fixed(median(all.map(({ rssBytes }) => rssBytes)) / 1e6, 0),
      ...machineCells(rounds),
    ];
  });
  return aligned([
    [
      "",
      "p50",
      "p99",
      "p50 more",
      "p99 more",
      "lost",
      "failed",
      "mcores",
      "MB/s",
      "RSS MB",
      "others",
      "load",
    ],
    ...levels,
  ]);
}

function relayCells(relays: readonly InstanceFigures[]): string[] {
  if (relays.length === 0) return ["-", "-", "-"];
  return [
    fixed(median(relays.map(({ cores }) => 1000 * cores)), 1),
    fixed(
      median(relays.map((it) => it.clientBytesPerSecond)) / 1e6,
      2,
    ),
    fixed(median(relays.map(({ rssBytes }) => rssBytes)) / 1e6, 0),
  ];
}

function clientCells(served: readonly InstanceFigures[]): string[] {
  const known = (of: (it: InstanceFigures) => number | null) =>
    served.map(of).filter((value) => value !== null);
  const latency = (values: readonly number[]) =>
    values.length === 0 ? "-" : fixed(median(values), 1);
  return [
    latency(known(({ p50Ms }) => p50Ms)),
    latency(known(({ p99Ms }) => p99Ms)),
    String(Math.max(...served.map(({ lost }) => lost))),
    String(Math.max(...served.map(({ failed }) => failed))),
  ];
}

function machineCells(rounds: readonly TreeFigures[]): string[] {
  return [
    fixed(median(rounds.map(({ otherCores }) => otherCores)), 2),
    fixed(Math.max(...rounds.map(({ load }) => load)), 1),
  ];
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length))
  );
  return rows.map((row) =>
    row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd()
  ).join("\n");
}
