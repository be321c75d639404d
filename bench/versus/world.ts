// What both sides of a comparison share: one broker, one real publisher with 100 channels, and the C programs.
// Invariant: close() ends every process that was started here, in reverse order, and nothing else.
import { startKafka } from "../../scripts/kafka.ts";
import { freePort, PARTS, Process } from "../../test/integration/chain.ts";
import { childrenOf } from "./process_cpu.ts";

export const STRIDE_NS = 62_500_000;
const CHANNELS = 100;
const RATE_HZ = 2048;
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

  /** @param secondsMax the publisher ends by itself after so long. */
  static async start(secondsMax: number): Promise<World> {
    const closers: (() => Promise<unknown>)[] = [];
    try {
      const directory = await Deno.makeTempDir({ prefix: "qanat-versus-" });
      closers.push(() => Deno.remove(directory, { recursive: true }));
      const broker = await startKafka({
        port: freePort(),
        dir: `${directory}/kafka`,
      });
      closers.push(() => broker.stop());
      const publisher = new Process("publisher.py", PARTS.python.program!, [
        "test/integration/python/publisher.py",
        `--kafka=${broker.address}`,
        `--dir=${directory}`,
        `--channels=${CHANNELS}`,
        "--data-type=float32",
        `--rate=${RATE_HZ}`,
        `--seconds=${secondsMax}`,
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

  /** A Qanat on this broker, ready; the caller ends it. `denoFlags` go to its runtime. */
  async launchQanat(
    denoFlags: readonly string[] = [],
  ): Promise<{ qanat: Process; port: number; url: string }> {
    const port = freePort();
    const qanat = new Process("qanat", Deno.execPath(), [
      ...["run", "--no-prompt", "-P=start", ...denoFlags, "src/main.ts"],
      `--port=${port}`,
      `--kafka=${this.brokerAddress}`,
      `--clients-max=${CLIENTS_MAX}`,
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

async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  for (let last = closers.pop(); last !== undefined; last = closers.pop()) {
    await last();
  }
}

/** Compiles `bench/floor/NAME.c`; where the program is. */
export async function compile(name: "floor" | "reader"): Promise<string> {
  const folder = new URL(".qanat/bin/", ROOT);
  await Deno.mkdir(folder, { recursive: true });
  const program = new URL(name, folder).pathname;
  const source = new URL(`bench/floor/${name}.c`, ROOT).pathname;
  const { success, stderr } = await new Deno.Command("cc", {
    args: ["-O2", "-std=c11", "-o", program, source],
  }).output();
  if (success) return program;
  throw new Error(`cc ${source}: ${new TextDecoder().decode(stderr)}`);
}
