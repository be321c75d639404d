// Reads /v1/arrow into a file, over as many connections as it takes.
// Invariant: a row is written once, in the order of time; the file is FILE.part until the range is whole.
import { ArrowFramer, type ArrowMessage } from "./arrow_framer.ts";
import type { TailOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import type { Connection, Try } from "./retrying.ts";
import type { RowFile } from "./row_files.ts";
import { secondsText } from "./texts.ts";

/** Ends after which asking again for the rest makes sense. */
const GOES_ON = new Set(["drain", "error", "slow"]);

/** A file's part of a download: what came, and where to go on. */
export class Download {
  readonly #options: TailOptions;
  readonly #file: RowFile;
  readonly #progress: Progress;
  #schema: Uint8Array | null = null;
  #firstNs: bigint | null = null;
  #lastNs: bigint | null = null;
  /** Gaps that were told, by reason. */
  readonly gaps = new Map<string, number>();

  constructor(
    options: TailOptions,
    parts: { readonly file: RowFile; readonly progress: Progress },
  ) {
    this.#options = options;
    this.#file = parts.file;
    this.#progress = parts.progress;
  }

  /** Whether a schema has come, so that the file can be closed as one of its format. */
  get hasBegun(): boolean {
    return this.#schema !== null;
  }

  /** A connection to /v1/arrow for `readRetrying()`. */
  connection(): Connection {
    return {
      request: () => ({ url: this.#url(), headers: this.#options.headers }),
      read: (body, brought) => this.#read(body, brought),
    };
  }

  /** The range behind what has come. The last row's start is asked for again, since a range is every row it touches. */
  #url(): string {
    const query = { ...this.#options.query };
    if (this.#lastNs !== null && this.#firstNs !== null) {
      const { duration } = query;
      delete query.duration;
      if (duration !== undefined) {
        const fromNs = query.start === undefined
          ? this.#firstNs
          : this.#progress.startNs ?? this.#firstNs;
        const spanNs = BigInt(Math.round(Number(duration) * 1e9));
        query.end = secondsText(fromNs + spanNs);
      }
      query.start = secondsText(this.#lastNs);
    }
    const url = new URL(`${this.#options.url}/v1/arrow`);
    for (const [name, value] of Object.entries(query)) {
      url.searchParams.set(name, value);
    }
    return url.href;
  }

  async #read(
    body: ReadableStream<Uint8Array>,
    brought: () => void,
  ): Promise<Try> {
    const framer = new ArrowFramer();
    let isOver = false;
    let why: string | null = null;
    let changed = false;
    try {
      for await (const chunk of body) {
        for (const message of framer.push(chunk)) {
          if (message.kind === "end") isOver = true;
          else if (message.kind === "schema") {
            changed = !this.#takeSchema(message.bytes);
            if (changed) break;
          } else {
            if (this.#takeBatch(message)) brought();
            if (message.end !== null) why = reasonOf(message.end);
          }
        }
        if (changed) break;
      }
    } catch (error) {
      // `gap`, `error` and `slow` break the body off behind the batch that says so.
      if (why === null) throw error;
    }
    if (changed) {
      const detail = "the channels changed; the file cannot go on";
      return { kind: "broken", detail };
    }
    if (why !== null) {
      const detail = `the server ended the stream: ${why}`;
      return GOES_ON.has(why)
        ? { kind: "again", why: detail }
        : { kind: "broken", detail };
    }
    return isOver
      ? { kind: "complete" }
      : { kind: "again", why: "the connection broke" };
  }

  /** Whether the schema is the file's. */
  #takeSchema(message: Uint8Array): boolean {
    if (this.#schema === null) {
      this.#schema = message.slice();
      this.#file.schema(message);
      return true;
    }
    return message.byteLength === this.#schema.byteLength &&
      message.every((byte, i) => byte === this.#schema![i]);
  }

  /** Whether the batch had a row that was not there yet. */
  #takeBatch(message: ArrowMessage & { kind: "batch" }): boolean {
    if (message.gap !== null) {
      const reason = reasonOf(message.gap);
      this.gaps.set(reason, (this.gaps.get(reason) ?? 0) + 1);
    }
    if (message.timeNs === null) return false;
    if (this.#lastNs !== null && message.timeNs <= this.#lastNs) return false;
    this.#firstNs ??= message.timeNs;
    this.#lastNs = message.timeNs;
    this.#file.batch(message.bytes);
    this.#progress.row(message.timeNs, message.rowCount);
    return true;
  }
}

function reasonOf(json: string): string {
  return String((JSON.parse(json) as { reason?: unknown }).reason);
}
