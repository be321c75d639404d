// One server's Flight port under N raw readers, and medians over rounds.
// Invariant: both servers are read by the same program, with the same calls.
import { ROWS_PER_SECOND, STRIDE_MS } from "../scale/world.ts";
import { flightLine } from "../scale/selections.ts";
import { readFast, type Reading } from "./fast_reader.ts";
import { isAll, median } from "./side.ts";

/** As many connections are begun in a second. */
const CONNECT_RATE = 200;
/** arrakis-server needs some seconds until it is on time with its first clients. */
const SETTLE_S = 6;
/** Longest wait for those that do not get a stream. */
const ATTACH_MAX_S = 20;

/** One measurement. Latencies in ms from a block's end to the last byte of its row being read. */
export interface FlightSide {
  readonly clients: number;
  /** Clients that have a stream. */
  readonly attached: number;
  /** Rows that the clients should get, and those that they got. */
  readonly due: number;
  readonly rows: number;
  /** Rows that are missing between those that came. */
  readonly lost: number;
  /** Clients without a new row for more than a stride at the end. */
  readonly behind: number;
  /** Calls that were refused, or ended. */
  readonly failed: number;
  /** Every client got every row, and p99 was below a stride. */
  readonly holds: boolean;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly serverCores: number;
  readonly cpuMicrosPerRow: number;
  readonly rssBytes: number;
  readonly readerCores: number;
  readonly stolenCores: number;
}

export interface FlightSideOptions {
  readonly reader: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  readonly seconds: number;
}

/** Reads these selections, a connection and a DoGet each, for a while. */
export async function measureFlight(
  selections: readonly (readonly string[])[],
  options: FlightSideOptions,
): Promise<FlightSide> {
  const reading = await readFast({
    program: options.reader,
    port: options.port,
    clients: selections.length,
    requests: selections.map(flightLine),
    format: "flight",
    flags: [
      ...["--rate", String(CONNECT_RATE)],
      ...["--attach-seconds", String(ATTACH_MAX_S)],
    ],
    directory: options.directory,
    seconds: options.seconds,
    settleS: SETTLE_S,
    serverPid: options.pid,
  });
  return flightSideOf(reading, selections.length);
}

/** The figures of a reading. */
export function flightSideOf(reading: Reading, clients: number): FlightSide {
  const { attached, rows, lost, behind, failed, seconds, latencyMs } = reading;
  const rowsMin = Math.round(reading.rowsPerSecond.min * seconds);
  return {
    clients,
    attached,
    due: Math.round(ROWS_PER_SECOND * seconds) * clients,
    rows,
    lost,
    behind,
    failed,
    holds: attached === clients && lost + behind + failed === 0 &&
      isAll(rowsMin, seconds) && latencyMs.p99 < STRIDE_MS,
    p50: latencyMs.p50,
    p99: latencyMs.p99,
    max: latencyMs.max,
    serverCores: reading.serverCores,
    // Infinity where no row came.
    cpuMicrosPerRow: reading.serverCores * 1e6 * seconds / rows,
    rssBytes: reading.serverRssBytes,
    readerCores: reading.readerCores,
    stolenCores: reading.stolenCores,
  };
}

/** Each figure's median over the rounds; losses are added up; most rounds must hold. */
export function medianFlightSide(rounds: readonly FlightSide[]): FlightSide {
  const of = (figure: (side: FlightSide) => number) =>
    median(rounds.map(figure));
  const sum = (figure: (side: FlightSide) => number) =>
    rounds.reduce((total, side) => total + figure(side), 0);
  return {
    clients: rounds[0]!.clients,
    attached: of((s) => s.attached),
    due: of((s) => s.due),
    rows: of((s) => s.rows),
    lost: sum((s) => s.lost),
    behind: of((s) => s.behind),
    failed: sum((s) => s.failed),
    holds: 2 * sum((s) => s.holds ? 1 : 0) > rounds.length,
    p50: of((s) => s.p50),
    p99: of((s) => s.p99),
    max: of((s) => s.max),
    serverCores: of((s) => s.serverCores),
    cpuMicrosPerRow: of((s) => s.cpuMicrosPerRow),
    rssBytes: of((s) => s.rssBytes),
    readerCores: of((s) => s.readerCores),
    stolenCores: of((s) => s.stolenCores),
  };
}
