// Clients that stay through an upgrade and that LibraryClients does not have: curl, pyarrow, qanat_client.
// Invariant: close() ends all of them; then rows() is all that came.
import { crc32 } from "node:zlib";
import { PARTS, Process, sleep } from "../../test/integration/chain.ts";

const PAUSE_MS = 500;

/** What a client has. `columns`: samples by channel, as its format writes them. */
export interface ReadRow {
  readonly timeNs: bigint;
  readonly columns: Readonly<Record<string, unknown>>;
}

/** A client, and what it heard. */
export interface Stayer {
  readonly name: string;
  /** How the samples of its rows are written: JSON, or base64 of their bytes. */
  readonly samples: "json" | "base64";
  rows(): readonly ReadRow[];
  gaps(): readonly string[];
  /** How often its connection was broken; null where it does not say. */
  breaks(): number | null;
  close(): Promise<void>;
}

interface Event {
  readonly name: string;
  readonly id: string;
  readonly data: string;
}

/** The whole events of a stream; what follows the last blank line was not received. */
function eventsOf(text: string): Event[] {
  return text.split("\n\n").slice(0, -1).map((event) => {
    const field = (name: string) =>
      event.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1] ?? "";
    return {
      name: field("event"),
      id: field("id"),
      data: field("data"),
    };
  });
}

/** curl, started again with the last id whenever it ends. */
export class CurlStayer implements Stayer {
  readonly name = "curl";
  readonly samples = "json";
  readonly #args: readonly string[];
  readonly #outputs: string[] = [];
  readonly #running: Promise<void>;
  #curl: Process | null = null;
  #isClosed = false;

  constructor(url: string, certificateFile: string) {
    this.#args = ["-sN", "--fail", "--cacert", certificateFile, url];
    this.#running = this.#run();
  }

  rows(): readonly ReadRow[] {
    return this.#texts.map((text) => {
      const { time, channels } = JSON.parse(text);
      return { timeNs: BigInt(time), columns: channels };
    });
  }

  /** CRC-32 of each row's text, by its time. */
  digests(): Map<string, number> {
    return new Map(
      this.#texts.map((text) => [JSON.parse(text).time, crc32(text)]),
    );
  }

  gaps(): readonly string[] {
    return this.#events.filter(({ name }) => name === "gap")
      .map(({ data }) => data);
  }

  breaks(): number {
    return this.#outputs.length;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#curl?.stop();
    await this.#running;
  }

  get #texts(): string[] {
    return this.#events.filter(({ name, data }) => name === "" && data !== "")
      .map(({ data }) => data);
  }

  get #events(): Event[] {
    return [...this.#outputs, this.#curl?.output ?? ""].flatMap(eventsOf);
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const last = this.#events.findLast(({ id }) => id !== "");
      const header = last ? ["-H", `Last-Event-ID: ${last.id}`] : [];
      this.#curl = new Process("curl", PARTS.curl.program!, [
        ...header,
        ...this.#args,
      ]);
      await this.#curl.ends();
      this.#outputs.push(this.#curl.output);
      this.#curl = null;
      await sleep(PAUSE_MS);
    }
  }
}

/** pyarrow and qanat_client, in one Python. */
export class PythonStayers {
  readonly #python: Process;
  readonly stayers: readonly Stayer[];

  constructor(
    url: string,
    { certificateFile, strideNs, names }: {
      certificateFile: string;
      strideNs: bigint;
      names: readonly string[];
    },
  ) {
    this.#python = new Process("upgraded.py", PARTS.python.program!, [
      "scripts/upgrade/upgraded.py",
      url,
      certificateFile,
      `${strideNs}`,
      ...names,
    ]);
    this.stayers = ["pyarrow", "qanat_client"].map((name): Stayer => {
      const lines = () =>
        this.#python.output.split("\n").slice(0, -1)
          .map((line) => JSON.parse(line))
          .filter(({ reader }) => reader === name);
      return {
        name,
        samples: "base64",
        rows: () =>
          lines().filter(({ time }) => time !== undefined)
            .map(({ time, columns }) => ({ timeNs: BigInt(time), columns })),
        gaps: () =>
          lines().flatMap(({ gap }) => gap === undefined ? [] : [gap]),
        // qanat_client connects again by itself.
        breaks: () =>
          name === "pyarrow"
            ? lines().filter((line) => line.break !== undefined).length
            : null,
        close: async () => {
          await this.#python.stop();
        },
      };
    });
  }

  get troubles(): string {
    return this.#python.isRunning ? "" : this.#python.log;
  }
}
