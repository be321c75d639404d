// The table and ratios of the comparison over Arrow Flight.
import type { FlightSide } from "./flight_side.ts";
import type { FlightVersus } from "./flight_versus.ts";
import { type Report, tableOf, times } from "./report.ts";

const MIB = 1024 * 1024;
/** At these numbers of clients the CPU per row is compared. */
const COMPARED = [60, 200, 500] as const;
/** Goals: times the clients of arrakis-server, part of its CPU per row, and the change of p99 over HTTP when half of the clients use Flight. */
const TIMES = 15;
const CPU_PART = 1 / 8;
const MIXED_TIMES = 1.3;

const HEAD = [
  "server, over Flight",
  "clients",
  "holds",
  "rows due",
  "received",
  "lost",
  "p50 ms",
  "p99 ms",
  "cores",
  "µs per row",
  "RSS MiB",
  "readers' cores",
  "stolen",
];

function row(server: string, side: FlightSide): string[] {
  return [
    server,
    String(side.clients),
    side.holds ? "yes" : "no",
    String(side.due),
    String(side.rows),
    String(side.lost),
    side.p50.toFixed(1),
    side.p99.toFixed(1),
    side.serverCores.toFixed(2),
    side.cpuMicrosPerRow.toFixed(1),
    (side.rssBytes / MIB).toFixed(0),
    side.readerCores.toFixed(2),
    side.stolenCores.toFixed(2),
  ];
}

/** The largest number of clients that holds; 0 where none does. */
export function mostHeld(sides: readonly FlightSide[]): number {
  return Math.max(0, ...sides.filter((s) => s.holds).map((s) => s.clients));
}

export function flightReport(measured: FlightVersus): Report {
  const { arrakis, qanat, mixed, mixedRatio } = measured;
  const theirs = mostHeld(arrakis);
  const ours = mostHeld(qanat);
  const held = theirs > 0 ? ours / theirs : null;
  const cpu = COMPARED.map((clients) => cpuLine(clients, arrakis, qanat));
  const lines = [
    tableOf([
      HEAD,
      ...arrakis.map((side) => row("arrakis-server", side)),
      ...qanat.map((side) => row("Qanat", side)),
    ]),
    "",
    `over Flight, arrakis-server held ${theirs} clients, Qanat ${ours}: ${
      times(held)
    } (goal: ${TIMES} or more); medians of ${measured.rounds} rounds`,
    ...cpu.map(({ text }) => text),
    `p99 of ${mixed.clients} clients over HTTP while as many read over Flight: ${
      mixed.p99HttpMixed.toFixed(1)
    } ms; of ${2 * mixed.clients} over HTTP alone: ${
      mixed.p99HttpAlone.toFixed(1)
    } ms; ${times(mixedRatio)} (goal: at most ${MIXED_TIMES}); over Flight: ${
      mixed.p99FlightMixed.toFixed(1)
    } ms; ${mixed.lost} rows lost, ${mixed.failed} streams failed`,
  ];
  return {
    text: lines.join("\n"),
    ratios: {
      flightClientsHeld: held,
      ...Object.fromEntries(
        cpu.map(({ clients, ratio }) => [`flightCpuPerRowAt${clients}`, ratio]),
      ),
      httpP99Mixed: mixedRatio,
    },
  };
}

/** CPU per row of both, and what arrakis-server has delivered where it does not hold. */
function cpuLine(
  clients: number,
  arrakis: readonly FlightSide[],
  qanat: readonly FlightSide[],
): { clients: number; text: string; ratio: number | null } {
  const theirs = arrakis.find((side) => side.clients === clients);
  const ours = qanat.find((side) => side.clients === clients);
  const ratio = theirs && ours && theirs.rows > 0
    ? ours.cpuMicrosPerRow / theirs.cpuMicrosPerRow
    : null;
  const microsOf = (side: FlightSide | undefined) =>
    side && side.rows > 0 ? `${side.cpuMicrosPerRow.toFixed(1)} µs` : "none";
  return {
    clients,
    ratio,
    text: `CPU per row over Flight at ${clients} clients: Qanat ${
      microsOf(ours)
    }, arrakis-server ${microsOf(theirs)}: ${
      times(ratio)
    } (goal: at most ${CPU_PART})${deliveredText(theirs)}`,
  };
}

/** What came of the rows of arrakis-server, where it does not hold. */
function deliveredText(side: FlightSide | undefined): string {
  if (!side || side.holds) return "";
  const share = `${(100 * side.rows / side.due).toFixed(1)} % of the rows`;
  const late = side.rows > 0 ? `, p99 ${side.p99.toFixed(0)} ms` : "";
  return `; arrakis-server delivered ${share}${late}`;
}
