// The fan-out alone: one body for thousands of clients, by Qanat, by nginx with nchan, and by the bare loop in C.
// Invariant: all three send the same number of body bytes at the same rate to the same reader.
import { freePort, Process } from "../../test/integration/chain.ts";
import { requestLine } from "../scale/selections.ts";
import {
  type FastReaderOptions,
  readFast,
  type Reading,
} from "./fast_reader.ts";
import { startNchan } from "./nchan.ts";
import { ROWS_PER_SECOND } from "../scale/world.ts";
import type { World } from "./world.ts";

const BODY_BYTES_IDEAL = 4096;
const CHANNELS_TRIED = [4, 5, 6, 7, 8];
/** The floor's clock is long enough for attaching, settling and measuring. */
const FLOOR_MORE_S = 60;

export interface FanOutOptions {
  readonly world: World;
  readonly reader: string;
  readonly floor: string;
  readonly clients: number;
  readonly seconds: number;
}

/** One server's fan-out. */
export interface FanOut {
  readonly clients: number;
  readonly bodyBytes: number;
  readonly framesPerSecond: number;
  readonly serverCores: number;
  readonly readerCores: number;
  readonly cpuMicrosPerFrame: number;
  /** Frames read, of those that were due. */
  readonly dueShare: number;
  readonly p50: number;
  readonly p99: number;
  readonly ended: number;
}

/** Channels whose Arrow row is as near 4 KiB as whole channels allow, and its bytes. */
export async function nearest4Kib(
  url: string,
  names: readonly string[],
): Promise<{ channels: readonly string[]; bodyBytes: number }> {
  const bytesOf = async (channels: readonly string[], seconds: number) => {
    const query = `channels=${channels.join(",")}&duration=${seconds}`;
    const response = await fetch(`${url}/v1/arrow?${query}`);
    if (!response.ok) throw new Error(await response.text());
    return (await response.arrayBuffer()).byteLength;
  };
  const tried = await Promise.all(CHANNELS_TRIED.map(async (count) => {
    const channels = names.slice(0, count).toSorted();
    const [one, two] = await Promise.all([
      bytesOf(channels, 1),
      bytesOf(channels, 2),
    ]);
    return { channels, bodyBytes: (two - one) / ROWS_PER_SECOND };
  }));
  const distance = (bytes: number) => Math.abs(bytes - BODY_BYTES_IDEAL);
  return tried.reduce((best, next) =>
    distance(next.bodyBytes) < distance(best.bodyBytes) ? next : best
  );
}

/** Qanat: every client requests the same channels. */
export async function fanOutOfQanat(
  channels: readonly string[],
  bodyBytes: number,
  options: FanOutOptions & { readonly port: number; readonly pid: number },
): Promise<FanOut> {
  const reading = await readFast({
    ...readerOptions(options, options.port, options.pid),
    requests: [requestLine(channels, "arrow")],
  });
  return fanOutOf(reading, bodyBytes, options.clients);
}

/** nchan, as one of its kinds of subscriber. */
export async function fanOutOfNchan(
  subscriber: "http-chunked" | "http-raw-stream",
  bodyBytes: number,
  options: FanOutOptions,
): Promise<FanOut> {
  const { directory } = options.world;
  const nchan = await startNchan({ directory, bodyBytes });
  try {
    const reading = await readFast({
      ...readerOptions(options, nchan.port, nchan.workerPid),
      // nchan sends chunks only to who says that it takes them.
      requests: [`GET\t/${subscriber}\tTE: chunked`],
      flags: rawFlags(bodyBytes),
    });
    return fanOutOf(reading, bodyBytes, options.clients);
  } finally {
    await nchan.stop();
  }
}

/** The bare loop. */
export async function fanOutOfFloor(
  bodyBytes: number,
  options: FanOutOptions,
): Promise<FanOut> {
  const port = freePort();
  const floor = new Process("floor", options.floor, [
    String(port),
    String(bodyBytes),
    String(ROWS_PER_SECOND),
    String(options.seconds + FLOOR_MORE_S),
  ]);
  try {
    await floor.says(/listening/);
    const reading = await readFast({
      ...readerOptions(options, port, floor.pid),
      requests: ["GET\t/"],
      flags: rawFlags(bodyBytes),
    });
    return fanOutOf(reading, bodyBytes, options.clients);
  } finally {
    await floor.stop();
  }
}

function readerOptions(
  options: FanOutOptions,
  port: number,
  serverPid: number,
): Omit<FastReaderOptions, "requests"> {
  return {
    program: options.reader,
    port,
    clients: options.clients,
    directory: options.world.directory,
    seconds: options.seconds,
    serverPid,
  };
}

/** Bodies of one size that begin with int64 Unix ns, behind the flags of Qanat's rows. */
function rawFlags(bodyBytes: number): string[] {
  const bytes = String(bodyBytes);
  return [
    ...["--format", "raw", "--frame-bytes", bytes],
    ...["--time", "int64", "--gps-minus-unix-ns", "0"],
  ];
}

function fanOutOf(
  reading: Reading,
  bodyBytes: number,
  clients: number,
): FanOut {
  const framesPerSecond = reading.rows / reading.seconds;
  return {
    clients: Math.min(clients, reading.attached),
    bodyBytes,
    framesPerSecond,
    serverCores: reading.serverCores,
    readerCores: reading.readerCores,
    cpuMicrosPerFrame: reading.serverCores * 1e6 / framesPerSecond,
    dueShare: framesPerSecond / (ROWS_PER_SECOND * clients),
    p50: reading.latencyMs.p50,
    p99: reading.latencyMs.p99,
    ended: reading.failed,
  };
}
