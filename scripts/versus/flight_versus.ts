// The comparison over Arrow Flight: Qanat and arrakis-server under the same raw readers, and what clients over HTTP
// notice of as many over Flight. Invariant: no round begins that would end after the limit of time.
import { freePort, say } from "../../test/integration/chain.ts";
import {
  differentSelections,
  flightLine,
  requestLine,
} from "../scale/selections.ts";
import { launchArrakis } from "./arrakis_server.ts";
import { readFast, type Reading } from "./fast_reader.ts";
import {
  type FlightSide,
  measureFlight,
  medianFlightSide,
} from "./flight_side.ts";
import { median } from "./side.ts";
import type { World } from "./world.ts";

const CLIENTS = [20, 40, 60, 100, 200, 500, 1000];
/** Between and beyond these, to find what each holds. */
const MORE_OF_ARRAKIS = [80];
const MORE_OF_QANAT = [1500];
/** With more, arrakis-server is measured in the first round alone: it is far beyond what it holds, and slow to end. */
const ARRAKIS_EVERY_ROUND_MAX = 100;
/** Clients of each of the two readers in the second part. */
const MIXED_EACH = 500;
const MINUTES_MAX = 13;

export interface FlightVersusOptions {
  readonly reader: string;
  /** Numbers of clients, for both; null: the usual ones. */
  readonly clients: readonly number[] | null;
  readonly rounds: number;
  readonly seconds: number;
}

/** As many clients over HTTP as over Flight, and as many over HTTP alone as both together. Latencies in ms. */
export interface Mixed {
  /** Of each kind. */
  readonly clients: number;
  readonly p99HttpMixed: number;
  readonly p99FlightMixed: number;
  readonly p99HttpAlone: number;
  /** Rows lost by any, and calls that were refused or ended. */
  readonly lost: number;
  readonly failed: number;
}

export interface FlightVersus {
  readonly arrakis: readonly FlightSide[];
  readonly qanat: readonly FlightSide[];
  readonly mixed: Mixed;
  /** p99 over HTTP when half of the clients use Flight, divided by that of HTTP alone: the median of the rounds' ratios. */
  readonly mixedRatio: number;
  readonly rounds: number;
}

/** All rounds that fit into the limit of time, at least one. */
export async function versusFlight(
  world: World,
  options: FlightVersusOptions,
): Promise<FlightVersus> {
  const { clients, rounds } = options;
  const counts = {
    arrakis: clients ?? ascending([...CLIENTS, ...MORE_OF_ARRAKIS]),
    qanat: clients ?? ascending([...CLIENTS, ...MORE_OF_QANAT]),
  };
  const most = Math.max(2 * MIXED_EACH, ...counts.arrakis, ...counts.qanat);
  const all = differentSelections(world.names, most);
  const arrakis: FlightSide[] = [];
  const qanat: FlightSide[] = [];
  const mixed: Mixed[] = [];
  const endMs = performance.now() + 60_000 * MINUTES_MAX;
  let longestMs = 0;
  let round = 1;
  for (; round <= rounds && performance.now() + longestMs < endMs; round++) {
    const beganMs = performance.now();
    for (const count of counts.arrakis) {
      if (round > 1 && count > ARRAKIS_EVERY_ROUND_MAX) continue;
      const side = await arrakisSide(world, all.slice(0, count), options);
      report(`round ${round}, arrakis-server`, side);
      arrakis.push(side);
    }
    for (const count of counts.qanat) {
      const side = await qanatSide(world, all.slice(0, count), options);
      report(`round ${round}, Qanat`, side);
      qanat.push(side);
    }
    const each = Math.min(MIXED_EACH, Math.max(...clients ?? [MIXED_EACH]));
    mixed.push(await mixOf(world, all.slice(0, 2 * each), options));
    say(`round ${round}, ${mixedText(mixed.at(-1)!)}`);
    longestMs = Math.max(longestMs, performance.now() - beganMs);
  }
  return {
    arrakis: medians(arrakis),
    qanat: medians(qanat),
    mixed: medianMixed(mixed),
    mixedRatio: median(
      mixed.map((m) => m.p99HttpMixed / m.p99HttpAlone),
    ),
    rounds: round - 1,
  };
}

function ascending(counts: readonly number[]): number[] {
  return counts.toSorted((a, b) => a - b);
}

function medians(sides: readonly FlightSide[]): FlightSide[] {
  const by = Map.groupBy(sides, (side) => side.clients);
  return [...by.values()].map(medianFlightSide);
}

async function arrakisSide(
  world: World,
  selections: readonly (readonly string[])[],
  { reader, seconds }: FlightVersusOptions,
): Promise<FlightSide> {
  const { port, process, stop } = await launchArrakis(world);
  try {
    return await measureFlight(selections, {
      reader,
      port,
      pid: process.pid,
      directory: world.directory,
      seconds,
    });
  } finally {
    await stop();
  }
}

async function qanatSide(
  world: World,
  selections: readonly (readonly string[])[],
  { reader, seconds }: FlightVersusOptions,
): Promise<FlightSide> {
  const port = freePort();
  const { qanat } = await world.launchQanat([], [`--flight-port=${port}`]);
  try {
    return await measureFlight(selections, {
      reader,
      port,
      pid: qanat.pid,
      directory: world.directory,
      seconds,
    });
  } finally {
    await qanat.stop();
  }
}

/** All clients over HTTP, then every second one over Flight, each time in a new Qanat. */
async function mixOf(
  world: World,
  selections: readonly (readonly string[])[],
  options: FlightVersusOptions,
): Promise<Mixed> {
  const half = selections.length / 2;
  const [alone] = await readBoth(world, selections, [], options);
  const [http, flight] = await readBoth(
    world,
    selections.slice(0, half),
    selections.slice(half),
    options,
  );
  const readings = [alone!, http!, flight!];
  return {
    clients: half,
    p99HttpMixed: http!.latencyMs.p99,
    p99FlightMixed: flight!.latencyMs.p99,
    p99HttpAlone: alone!.latencyMs.p99,
    lost: readings.reduce((sum, reading) => sum + reading.lost, 0),
    failed: readings.reduce((sum, reading) => sum + reading.failed, 0),
  };
}

/** Reads these selections over HTTP, and at the same time those over Flight, if there are any. */
async function readBoth(
  world: World,
  overHttp: readonly (readonly string[])[],
  overFlight: readonly (readonly string[])[],
  { reader, seconds }: FlightVersusOptions,
): Promise<Reading[]> {
  const flightPort = freePort();
  const { qanat, port } = await world.launchQanat([], [
    `--flight-port=${flightPort}`,
  ]);
  const { directory } = world;
  const shared = { program: reader, directory, seconds, serverPid: qanat.pid };
  try {
    return await Promise.all([
      readFast({
        ...shared,
        port,
        clients: overHttp.length,
        requests: overHttp.map((names) => requestLine(names, "arrow")),
      }),
      ...overFlight.length === 0 ? [] : [
        readFast({
          ...shared,
          port: flightPort,
          format: "flight",
          clients: overFlight.length,
          requests: overFlight.map(flightLine),
        }),
      ],
    ]);
  } finally {
    await qanat.stop();
  }
}

function medianMixed(rounds: readonly Mixed[]): Mixed {
  const of = (figure: (mixed: Mixed) => number) => median(rounds.map(figure));
  return {
    clients: rounds[0]!.clients,
    p99HttpMixed: of((m) => m.p99HttpMixed),
    p99FlightMixed: of((m) => m.p99FlightMixed),
    p99HttpAlone: of((m) => m.p99HttpAlone),
    lost: rounds.reduce((sum, m) => sum + m.lost, 0),
    failed: rounds.reduce((sum, m) => sum + m.failed, 0),
  };
}

function report(who: string, side: FlightSide): void {
  say(
    `${who}, ${side.clients} clients: ${side.rows} of ${side.due} rows, ${side.lost} lost, p50 ${
      side.p50.toFixed(1)
    } ms, p99 ${side.p99.toFixed(1)} ms, ${
      side.cpuMicrosPerRow.toFixed(1)
    } µs per row, ${side.serverCores.toFixed(2)} cores, ${
      side.stolenCores.toFixed(2)
    } stolen${
      side.holds
        ? ""
        : `; does NOT hold (${side.attached} attached, ${side.failed} failed, ${side.behind} behind)`
    }`,
  );
}

function mixedText(mixed: Mixed): string {
  return `p99 of ${mixed.clients} clients over HTTP ${
    mixed.p99HttpMixed.toFixed(1)
  } ms while as many read over Flight (${
    mixed.p99FlightMixed.toFixed(1)
  } ms), of ${2 * mixed.clients} over HTTP alone ${
    mixed.p99HttpAlone.toFixed(1)
  } ms; ${mixed.lost} rows lost, ${mixed.failed} failed`;
}
