// A broker and a publisher that run during a whole load run, and one Qanat after another.
// Invariant: close() ends all of them, in reverse order; everything is on 127.0.0.1.
import { type KafkaBroker, startKafka } from "../kafka/broker.ts";
import {
  freePort,
  launchQanat,
  PARTS,
  Process,
  sleep,
} from "../../test/integration/chain.ts";

export const STRIDE_NS = 62_500_000;
export const STRIDE_MS = STRIDE_NS / 1e6;
export const ROWS_PER_SECOND = 1e9 / STRIDE_NS;
const CHANNELS = 100;
const BROKER_ATTEMPTS = 3;
const CATALOG_MAX_MS = 30_000;
const QANAT_ARGS = ["--log-level=warn", "--clients-max=20000"];

export type PublisherKind = "embedded" | "arrakis";

/** `embedded`: `deno task publish`, 100 channels of 2,048 Hz float32. `arrakis`: the real one, of many types. */
const NAMES: Record<PublisherKind, RegExp> = {
  embedded: /^H1:LOAD-/,
  arrakis: /^H1:QNT-/,
};

export interface WorldOptions {
  readonly publisher: PublisherKind;
  /** For every Qanat. */
  readonly qanatArgs?: readonly string[];
}

/** A port, or the next one that the broker takes too, may be taken meanwhile: by one of thousands of connections. */
async function startBroker(directory: string): Promise<KafkaBroker> {
  for (let attempt = 1;; attempt++) {
    try {
      return await startKafka({
        port: freePort(),
        dir: `${directory}/kafka-${attempt}`,
        // A long run must not fill the disk.
        props: {
          "log.retention.bytes": String(256 * 1024 * 1024),
          "log.segment.bytes": String(64 * 1024 * 1024),
          "log.retention.check.interval.ms": "10000",
        },
      });
    } catch (error) {
      if (attempt === BROKER_ATTEMPTS) throw error;
    }
  }
}

/** A running Qanat. */
export interface Instance {
  readonly process: Process;
  readonly url: string;
  readonly port: number;
  /** Channels of the load. */
  readonly names: readonly string[];
}

export class World {
  readonly directory: string;
  readonly broker: KafkaBroker;
  readonly #options: WorldOptions;
  #publisher: Process | null = null;
  /** Other processes, which close() ends if they still run. */
  #adopted: Process[] = [];

  private constructor(
    directory: string,
    broker: KafkaBroker,
    options: WorldOptions,
  ) {
    this.directory = directory;
    this.broker = broker;
    this.#options = options;
  }

  static async start(options: WorldOptions): Promise<World> {
    const directory = await Deno.makeTempDir({ prefix: "qanat-scale-" });
    try {
      const broker = await startBroker(directory);
      const world = new World(directory, broker, options);
      await world.publish();
      return world;
    } catch (error) {
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  get publisherPid(): number {
    return this.#publisher?.pid ?? 0;
  }

  async publish(): Promise<void> {
    const { address } = this.broker;
    if (this.#options.publisher === "arrakis") {
      this.#publisher = new Process("publisher.py", PARTS.python.program!, [
        "test/integration/python/publisher.py",
        `--kafka=${address}`,
        `--dir=${this.directory}`,
        `--channels=${CHANNELS}`,
        "--seconds=100000",
      ]);
      await this.#publisher.says(/"event": "ready"/);
      return;
    }
    this.#publisher = new Process("publish", Deno.execPath(), [
      "run",
      "--no-prompt",
      "--frozen",
      "-P=publish",
      "src/publish.ts",
      `--kafka=${address}`,
      `--channels=${CHANNELS}`,
      "--match=^H1:LOAD-",
    ]);
    await this.#publisher.says(/Publishing/);
  }

  /** Its channels stay known, and fall silent. */
  async silence(): Promise<void> {
    await this.#publisher?.stop();
    this.#publisher = null;
  }

  /**
   * Starts a Qanat of its own, ready and with the load's channels known. `root`: another checkout than this one; `source`:
   * the flag of what it reads.
   */
  async launch(
    args: readonly string[] = [],
    root?: URL,
    source: string = `--kafka=${this.broker.address}`,
  ): Promise<Instance> {
    const { qanat, url, port } = launchQanat(
      [
        source,
        ...QANAT_ARGS,
        ...this.#options.qanatArgs ?? [],
        ...args,
      ],
      freePort(),
      [],
      root,
    );
    this.adopt(qanat);
    try {
      // Several workers begin one after another: before all listen, the first one would get all clients.
      await qanat.says(/^Qanat is serving/m);
      await qanat.answers(`${url}/readyz`);
      const names = await this.#names(url);
      return { process: qanat, url, port, names };
    } catch (error) {
      await qanat.stop();
      throw error;
    }
  }

  async #names(url: string): Promise<string[]> {
    const pattern = NAMES[this.#options.publisher];
    const untilMs = Date.now() + CATALOG_MAX_MS;
    let names: string[] = [];
    while (names.length < CHANNELS && Date.now() < untilMs) {
      const response = await fetch(`${url}/v1/channels?limit=10000`);
      const { channels } = await response.json();
      names = channels.map((c: { name: string }) => c.name)
        .filter((name: string) => pattern.test(name));
      if (names.length < CHANNELS) await sleep(100);
    }
    if (names.length < CHANNELS) {
      throw new Error(
        `${names.length} of ${CHANNELS} channels are known after ${CATALOG_MAX_MS} ms`,
      );
    }
    return names;
  }

  adopt(process: Process): void {
    this.#adopted = this.#adopted.filter((other) => other.isRunning);
    this.#adopted.push(process);
  }

  async close(): Promise<void> {
    for (const process of this.#adopted.reverse()) await process.stop();
    await this.silence();
    await this.broker.stop();
    await Deno.remove(this.directory, { recursive: true });
  }
}
