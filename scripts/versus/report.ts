// The tables and ratios of a comparison.
import { STRIDE_MS } from "../scale/world.ts";
import type { FanOut } from "./fan_out.ts";
import { clientsHeld, median, type Receipt, type Side } from "./side.ts";

/** A table to print, and its ratios by name. */
export interface Report {
  readonly text: string;
  readonly ratios: Readonly<Record<string, number | null>>;
}

/** At this number of clients the latencies are compared. */
const COMPARED_CLIENTS = 60;

/** Rows of cells, each column as wide as its widest cell, the first one left-aligned. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0
        ? cell.padEnd(widths[column]!)
        : cell.padStart(widths[column]!)
    ).join("  ")
  ).join("\n");
}

const ARRAKIS_HEAD = [
  "server",
  "clients",
  "held",
  "rows/s min",
  "median",
  "lost",
  "behind",
  "p50 ms",
  "p99 ms",
  "cores",
  "µs per row",
  "readers' cores",
  "stolen",
];

function arrakisRow(server: string, side: Side): string[] {
  return [
    server,
    String(side.clients),
    side.held ? "yes" : "no",
    side.rowsMin.toFixed(2),
    side.rowsMedian.toFixed(2),
    String(side.lost),
    String(side.behind),
    side.p50.toFixed(1),
    side.p99.toFixed(1),
    side.serverCores.toFixed(2),
    side.cpuMicrosPerRow.toFixed(1),
    side.readerCores.toFixed(2),
    side.stolenCores.toFixed(2),
  ];
}

export function arrakisReport(
  { arrakis, qanat, receipt }: {
    arrakis: readonly Side[];
    qanat: readonly Side[];
    receipt: Receipt;
  },
): Report {
  const held = {
    arrakis: clientsHeld(arrakis),
    qanat: clientsHeld(qanat),
  };
  const at = (sides: readonly Side[], clients: number) =>
    sides.find((side) => side.clients === clients);
  const ratio = (figure: (side: Side) => number, clients: number) => {
    const [theirs, ours] = [at(arrakis, clients), at(qanat, clients)];
    return theirs && ours ? figure(ours) / figure(theirs) : null;
  };
  const theirs60 = at(arrakis, COMPARED_CLIENTS);
  const largest = at(qanat, held.qanat);
  const theirs = at(arrakis, held.arrakis);
  const ratios = {
    clientsHeld: held.arrakis > 0 ? held.qanat / held.arrakis : null,
    p99At60: ratio((side) => side.p99, COMPARED_CLIENTS),
    p50At60: ratio((side) => side.p50, COMPARED_CLIENTS),
    receiptP99: theirs60 ? receipt.p99 / theirs60.p99 : null,
    cpuPerRowAt60: ratio((side) => side.cpuMicrosPerRow, COMPARED_CLIENTS),
    cpuPerRowAtTheirLimits: largest && theirs
      ? largest.cpuMicrosPerRow / theirs.cpuMicrosPerRow
      : null,
  };
  const lines = [
    tableOf([
      ARRAKIS_HEAD,
      ...arrakis.map((side) => arrakisRow("arrakis-server", side)),
      ...qanat.map((side) => arrakisRow("Qanat", side)),
    ]),
    "",
    `arrakis-server held ${held.arrakis} clients, Qanat ${held.qanat}: ${
      times(ratios.clientsHeld)
    } (goal: 60)`,
    `p99 of Qanat at ${held.qanat} clients: ${
      largest ? largest.p99.toFixed(1) : "-"
    } ms (goal: below a stride, ${STRIDE_MS})`,
    `p99 at ${COMPARED_CLIENTS} clients, Qanat to arrakis-server: ${
      times(ratios.p99At60)
    } (goal: below 0.25)`,
    `a consumer that only receives blocks has them after ${
      receipt.p50.toFixed(1)
    } ms, p99 ${receipt.p99.toFixed(1)}: ${
      times(ratios.receiptP99)
    } arrakis-server's p99 at ${COMPARED_CLIENTS} clients`,
    `CPU per row, Qanat to arrakis-server: ${
      times(ratios.cpuPerRowAt60)
    } at ${COMPARED_CLIENTS} clients, ${
      times(ratios.cpuPerRowAtTheirLimits)
    } each at what it held`,
  ];
  return { text: lines.join("\n"), ratios };
}

export function fanOutReport(measured: {
  readonly channels: number;
  readonly bodyBytes: number;
  readonly kinds: Readonly<Record<string, readonly FanOut[]>>;
}): Report {
  const { kinds } = measured;
  const cpu = (kind: string) => {
    const rounds = kinds[kind];
    return rounds ? median(rounds.map((r) => r.cpuMicrosPerFrame)) : Infinity;
  };
  const nchan = Math.min(
    ...Object.keys(kinds).filter((kind) => kind.startsWith("nchan")).map(cpu),
  );
  const rows = Object.entries(kinds).map(([kind, rounds]) => {
    const of = (figure: (fanOut: FanOut) => number) =>
      median(rounds.map(figure));
    return [
      kind,
      String(of((r) => r.clients)),
      String(Math.round(of((r) => r.framesPerSecond))),
      of((r) => r.serverCores).toFixed(3),
      cpu(kind).toFixed(2),
      (cpu("Qanat") / cpu(kind)).toFixed(2),
      of((r) => r.p50).toFixed(1),
      of((r) => r.p99).toFixed(1),
      of((r) => r.readerCores).toFixed(2),
      (100 * of((r) => r.dueShare)).toFixed(1),
      String(rounds.reduce((sum, r) => sum + r.ended, 0)),
    ];
  });
  const head = [
    "server",
    "clients",
    "frames/s",
    "cores",
    "µs per frame",
    "Qanat to it",
    "p50 ms",
    "p99 ms",
    "reader's cores",
    "% of due frames",
    "ended",
  ];
  const ratios = {
    cpuPerFrameToNchan: cpu("Qanat") / nchan,
    cpuPerFrameToFloor: cpu("Qanat") / cpu("floor"),
  };
  const lines = [
    `bodies of ${measured.bodyBytes} bytes (an Arrow row of ${measured.channels} channels), 16 a second`,
    tableOf([head, ...rows]),
    "",
    `CPU per frame, Qanat to nchan's best: ${
      times(ratios.cpuPerFrameToNchan)
    } (goal: below 1); to the floor: ${
      times(ratios.cpuPerFrameToFloor)
    } (goal: at most 1.6)`,
  ];
  return { text: lines.join("\n"), ratios };
}

/** Text of a ratio; null: not measured. */
export function times(ratio: number | null): string {
  return ratio === null ? "not measured" : `${ratio.toFixed(3)} times`;
}
