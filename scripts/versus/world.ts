// What both sides of a comparison share: one broker, one real publisher with 100 channels, and the floor in C.
// Invariant: close() ends every process that was started here, in reverse order, and nothing else.
import { type KafkaBroker, startKafka } from "../kafka/broker.ts";
import {
  freePort,
  PARTS,
  Process,
  startArgs,
} from "../../test/integration/chain.ts";
import { childrenOf } from "./process_cpu.ts";

const CHANNELS = 100;
const RATE_HZ = 2048;
const BROKER_ATTEMPTS = 3;
/** A long run must not fill the disk. */
const LOG_LIMITS = {
  "log.retention.bytes": String(256 * 1024 * 1024),
  "log.segment.bytes": String(64 * 1024 * 1024),
  "log.retention.check.interval.ms": "10000",
};
/** As many as the readers may be. */
export const CLIENTS_MAX = 12_000;
const ROOT = new URL("../..", import.meta.url);

/** A running broker and publisher. */
export class World {
  readonly directory: string;
  readonly brokerAddress: string;
  /** Names of the channels, all float32 at 2,048 Hz. */
  readonly names: readonly string[];
  readonly arrakis: { readonly url: string; readonly pid: number };
  readonly #closers: (() => Promise<unknown>)[];

  private constructor(
    known: Pick<World, "directory" | "brokerAddress" | "names" | "arrakis">,
    closers: (() => Promise<unknown>)[],
  ) {
    this.directory = known.directory;
    this.brokerAddress = known.brokerAddress;
    this.names = known.names;
    this.arrakis = known.arrakis;
    this.#closers = closers;
  }

  /**
   * @param secondsMax the publisher ends by itself after so long.
   * @param publisherArgs more flags for it.
   */
  static async start(
    secondsMax: number,
    publisherArgs: readonly string[] = [],
  ): Promise<World> {
    const closers: (() => Promise<unknown>)[] = [];
    try {
      const directory = await Deno.makeTempDir({ prefix: "qanat-versus-" });
      closers.push(() => Deno.remove(directory, { recursive: true }));
      const broker = await startBroker(directory);
      closers.push(() => broker.stop());
      const publisher = new Process("publisher.py", PARTS.python.program!, [
        "test/integration/python/publisher.py",
        `--kafka=${broker.address}`,
        `--dir=${directory}`,
        `--channels=${CHANNELS}`,
        "--data-type=float32",
        `--rate=${RATE_HZ}`,
        `--seconds=${secondsMax}`,
        ...publisherArgs,
      ]);
      closers.push(() => publisher.stop());
      const [, url] = await publisher.says(/"arrakis": "([^"]+)"/);
      await publisher.says(/"event": "ready"/);
      const published = JSON.parse(
        await Deno.readTextFile(`${directory}/published.json`),
      ) as { channels: { name: string }[] };
      return new World({
        directory,
        brokerAddress: broker.address,
        names: published.channels.map((channel) => channel.name),
        arrakis: { url: url!, pid: childrenOf(publisher.pid)[0]! },
      }, closers);
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  /** A Qanat on this broker, ready; the caller ends it. `denoFlags` go to its runtime, `args` to itself. */
  async launchQanat(
    denoFlags: readonly string[] = [],
    args: readonly string[] = [],
  ): Promise<{ qanat: Process; port: number; url: string }> {
    const port = freePort();
    const qanat = new Process("qanat", Deno.execPath(), [
      ...startArgs(denoFlags),
      `--port=${port}`,
      `--kafka=${this.brokerAddress}`,
      `--clients-max=${CLIENTS_MAX}`,
      ...args,
    ]);
    const url = `http://127.0.0.1:${port}`;
    try {
      await qanat.answers(`${url}/readyz`);
      return { qanat, port, url };
    } catch (error) {
      await qanat.stop();
      throw error;
    }
  }

  close(): Promise<void> {
    return closeAll(this.#closers);
  }
}

/** Tries again where another process takes the free port before Java listens. */
async function startBroker(directory: string): Promise<KafkaBroker> {
  for (let attempt = 1;; attempt++) {
    try {
      return await startKafka({
        port: freePort(),
        dir: `${directory}/kafka-${attempt}`,
        props: LOG_LIMITS,
      });
    } catch (error) {
      if (attempt === BROKER_ATTEMPTS) throw error;
    }
  }
}

async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  for (let last = closers.pop(); last !== undefined; last = closers.pop()) {
    await last();
  }
}

/** Compiles `bench/floor/floor.c`; where the program is. */
export async function buildFloor(compiler: string): Promise<string> {
  const program = new URL(".qanat/bin/floor", ROOT).pathname;
  await Deno.mkdir(new URL(".qanat/bin/", ROOT), { recursive: true });
  const { success, stderr } = await new Deno.Command(compiler, {
    args: ["-O2", "-std=c11", "-o", program, "bench/floor/floor.c"],
    cwd: ROOT,
  }).output();
  if (success) return program;
  const trouble = new TextDecoder().decode(stderr);
  throw new Error(`floor.c does not compile: ${trouble}`);
}

/** Names of the optional parts that are missing here, with the way to get them. */
export function missingParts(): string[] {
  return [PARTS.kafka, PARTS.python, PARTS.cc]
    .filter((part) => part.program === null)
    .map((part) => `${part.name} is missing: ${part.howToGet}`);
}
