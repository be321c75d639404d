// The table of a load run as text, and its progress on the terminal.
// Invariant: a figure that was not measured is `-`, never 0.
import type { TrialFigures } from "./trial.ts";

type Column = readonly [title: string, cell: (f: TrialFigures) => string];

const number = (value: number | null, digits: number) =>
  value === null ? "-" : value.toFixed(digits);
const percent = (share: number | null) =>
  share === null ? "-" : `${(100 * share).toFixed(2)}%`;

const COLUMNS: readonly Column[] = [
  ["clients", (f) => String(f.clients)],
  ["mode", (f) => f.mode],
  ["format", (f) => f.format],
  [
    "rows/s",
    (f) =>
      `${number(f.rowsPerSecondMin, 1)} ${number(f.rowsPerSecondMedian, 1)}`,
  ],
  ["lost", (f) => String(f.lost)],
  ["late", (f) => String(f.late)],
  ["p50", (f) => number(f.p50Ms, 1)],
  ["p99", (f) => number(f.p99Ms, 1)],
  ["p99.9", (f) => number(f.p999Ms, 1)],
  [
    "server",
    (f) => number(f.serverUserCores + f.serverSystemCores, 2),
  ],
  [
    "usr+sys",
    (f) => `${number(f.serverUserCores, 2)}+${number(f.serverSystemCores, 2)}`,
  ],
  ["µs/row", (f) => number(f.microsecondsPerWrite, 1)],
  ["MB/s", (f) => number(f.megabytesPerSecond, 0)],
  ["RSS MB", (f) => number(f.rssBytes / 1e6, 0)],
  ["KB/cl", (f) => number(f.rssPerClientBytes / 1e3, 1)],
  ["TCP MB", (f) => number(f.socketBytes / 1e6, 1)],
  ["GC", (f) => percent(f.gcShare)],
  ["mem", (f) => percent(f.memoryShare)],
  ["alloc", (f) => number(f.allocationsPerRow, 4)],
  ["heap B", (f) => number(f.heapBytesPerWrite, 0)],
  ["readers", (f) => number(f.readerCores, 2)],
  ["broker", (f) => number(f.brokerCores, 2)],
  ["publ.", (f) => number(f.publisherCores, 2)],
  ["others", (f) => number(f.othersCores, 2)],
  ["stolen", (f) => number(f.stolenCores, 2)],
  ["lag", (f) => number(f.lagP99Ms, 0)],
  ["holds", (f) => f.holds ? "yes" : "NO"],
];

export const LEGEND =
  `rows/s: per client, least and median. late: rows read more than a stride after their end. p50…: ms from the row's end
to its last byte read. server, usr+sys, readers, broker, publ.: cores. µs/row: server CPU per delivered row. KB/cl: RSS per
client beyond an instance without clients, the ring and the slab's high water. TCP MB: kernel memory of both ends
("TCP mem" of /proc/net/sockstat). GC: time in collections; mem: with allocation. alloc: slab buffers made per row.
heap B: garbage per write. others: cores that programs outside this run used at the same time. stolen: cores that this machine's
host gave to others. lag: p99 from a message's time in Kafka to its receipt, ms, as a bucket's limit. holds: every row to every client, none without a partition, p99 below one stride (62.5 ms).`;

export function tableOf(figures: readonly TrialFigures[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...figures.map((f) => COLUMNS.map(([, cell]) => cell(f))),
  ];
  const widths = COLUMNS.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length))
  );
  return rows.map((row) =>
    row.map((cell, i) =>
      i === 1 || i === 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd()
  ).join("\n");
}
