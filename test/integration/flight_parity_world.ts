// The world of parity_world.ts with publishers that misbehave, and, later, a pair of servers that can be restarted.
// Invariant: close() ends everything that was started here.
import { freePort, launchQanat, PARTS, Process, sleep } from "./chain.ts";
import {
  type AddedPublisher,
  type ParityWorld,
  startParityWorld,
  startPublisher,
} from "./parity_world.ts";
import { Restartable } from "./restartable.ts";

const CHANNELS = 10;
const STRIDE_NS = 250_000_000;
/** Of the publisher with the partition that stalls for 1 s and for 6 s. */
const LATENCY_MS = 3000;
/** Of the publisher that goes away: arrakis.Client gives up after this, a stride, and 30 s. */
const AWAY_LATENCY_MS = 1000;
const REPLAY_ID = "O4E2E";
const READY_MS = 60_000;

/** A real arrakis-server, a Qanat, and what is published to both. */
export interface Pair {
  readonly arrakisUrl: string;
  readonly qanatUrl: string;
  readonly names: readonly string[];
  readonly otherNames: readonly string[];
  readonly directories: readonly string[];
}

export interface FlightParityWorld extends Pair {
  /** Of Qanat's HTTP port. */
  readonly httpUrl: string;
  /** Has registered through Qanat; goes away for a minute after SIGUSR1. */
  readonly leaving: AddedPublisher;
  /** Starts another pair, which has a replay, and starts again whichever of both ends; call it once. */
  startRestartable(): Promise<RestartablePair>;
  close(): Promise<void>;
}

export interface RestartablePair extends Pair {
  /** File with the process ids of both, a list as JSON. */
  readonly pids: string;
}

/** Starts everything but the second pair. */
export async function startFlightParityWorld(): Promise<FlightParityWorld> {
  const flightPort = freePort();
  const world = await startParityWorld({
    qanatArgs: [`--flight-port=${flightPort}`, "--flight-publish"],
    also: [
      `H1LAT,LAT,${STRIDE_NS},${CHANNELS},${LATENCY_MS}`,
      `H1AWY,AWY,${STRIDE_NS},${CHANNELS},${AWAY_LATENCY_MS}`,
      `H1DYN,DYN,${STRIDE_NS},0`,
    ],
  });
  const closers = [() => world.close()];
  const close = async () => {
    for (let last = closers.pop(); last; last = closers.pop()) await last();
  };
  const publish = async (url: string, args: readonly string[]) => {
    const publisher = await startPublisher(world.chain, url, [
      `--channels=${CHANNELS}`,
      `--stride-ns=${STRIDE_NS}`,
      ...args,
    ]);
    closers.push(() => publisher.close());
    return publisher;
  };
  try {
    const qanatUrl = `grpc://127.0.0.1:${flightPort}`;
    const stalling = await publish(world.chain.arrakisUrl, [
      "--publisher=H1LAT",
      "--tag=LAT",
      "--stall-type=int16",
    ]);
    const leaving = await publish(qanatUrl, ["--publisher=H1AWY", "--tag=AWY"]);
    const directories = [
      ...world.directories,
      stalling.directory,
      leaving.directory,
    ];
    const startRestartable = async () => {
      const pair = await launchPair(world);
      closers.push(() => pair.close());
      const replayed = await publish(pair.arrakisUrl, [
        "--publisher=H1RPL",
        "--tag=RPL",
        `--replay-id=${REPLAY_ID}`,
      ]);
      await pair.knowsReplay();
      const { arrakisUrl, qanatUrl, pids } = pair;
      return {
        ...world,
        arrakisUrl,
        qanatUrl,
        pids,
        directories: [...directories, replayed.directory],
      };
    };
    return {
      ...world,
      arrakisUrl: world.chain.arrakisUrl,
      qanatUrl,
      httpUrl: world.chain.qanatUrl,
      directories,
      leaving,
      startRestartable,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An arrakis-server that knows the other publishers from Kafka and owns that of the replay, and a Qanat. */
async function launchPair({ chain }: ParityWorld) {
  const directory = await Deno.makeTempDir({ prefix: "qanat-pair-" });
  const ports = { arrakis: freePort(), http: freePort(), flight: freePort() };
  const arrakisUrl = `grpc://127.0.0.1:${ports.arrakis}`;
  const scopes = `${directory}/scopes.yaml`;
  const publisher = `${directory}/H1RPL.toml`;
  await Deno.writeTextFile(scopes, scopeMap(arrakisUrl));
  await Deno.writeTextFile(publisher, await replayConfig(chain.directory));
  const pids = `${directory}/pids.json`;
  const note = () =>
    Deno.writeTextFileSync(pids, JSON.stringify(servers.map((s) => s.pid)));
  const arrakis = new Restartable(() =>
    // Else all servers of a machine share one database of channels.
    new Process("arrakis-server", "env", [
      `XDG_CACHE_HOME=${directory}/cache`,
      PARTS.python.program!.replace(/[^/]*$/, "arrakis-server"),
      ...["-u", arrakisUrl, "-s", scopes, "KAFKA"],
      `--kafka-url=${chain.brokerAddress}`,
      `--publisher-config=${publisher}`,
      ...["--sync-publishers", "H1QNT", "H1OTH", "H1LAT", "H1AWY"],
    ]), note);
  const qanat = new Restartable(() =>
    launchQanat([
      `--kafka=${chain.brokerAddress}`,
      `--flight-port=${ports.flight}`,
      "--flight-publish",
    ], ports.http).qanat, note);
  const servers = [arrakis, qanat];
  for (const server of servers) server.start();
  return {
    arrakisUrl,
    qanatUrl: `grpc://127.0.0.1:${ports.flight}`,
    pids,
    knowsReplay: async () => {
      for (const endMs = Date.now() + READY_MS;;) {
        const url = `http://127.0.0.1:${ports.http}/v1/replays`;
        const text = await fetch(url).then((r) => r.text(), String);
        if (text.includes(REPLAY_ID)) return;
        if (Date.now() > endMs) throw new Error(`no replay: ${text}`);
        await sleep(100);
      }
    },
    close: async () => {
      for (const server of servers) await server.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function scopeMap(url: string): string {
  return `replays:
  ${REPLAY_ID}: {start: 1400000000, end: 1400000600}
${url}:
  scopes: {H1: [{all: true}]}
  retention: {newest: 0, oldest: 900}
  replay_ids: [${REPLAY_ID}]
`;
}

/** The configuration of another publisher of as many channels, in the replay. */
async function replayConfig(directory: string): Promise<string> {
  const text = await Deno.readTextFile(`${directory}/publishers/H1LAT.toml`);
  return text
    .replace("[publisher]", `[publisher]\nreplay_id = "${REPLAY_ID}"`)
    .replaceAll("H1LAT", "H1RPL")
    .replaceAll("H1:LAT-", "H1:RPL-");
}
