// Reads /v1/arrow into a file, over as many connections as necessary.
// Invariant: each row is written once, in the order of time.
import { secondsText } from "../blocks/time_text.ts";
import { ArrowFramer, type ArrowMessage } from "./arrow_framer.ts";
import type { TailOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import { type Attempt, type Connection, isRenewedAfter } from "./retrying.ts";
import type { RowFile } from "./row_file.ts";

/** Reasons of an end after which the rest of the range is requested again. */
const RETRIED_ENDS: ReadonlySet<string> = new Set([
  "drain",
  "age",
  "error",
  "slow",
]);

/** The rows of one file: writes new ones, and requests the range after the last one. */
export class Download {
  readonly #options: TailOptions;
  readonly #file: RowFile;
  readonly #progress: Progress;
  #schema: Uint8Array | null = null;
  #firstNs: bigint | null = null;
  #lastNs: bigint | null = null;
  /** Gaps that the server reported, by reason. */
  readonly gaps = new Map<string, number>();

  constructor(
    options: TailOptions,
    parts: { readonly file: RowFile; readonly progress: Progress },
  ) {
    this.#options = options;
    this.#file = parts.file;
    this.#progress = parts.progress;
  }

  /** Whether a schema was received, so that the file can be finished. */
  get hasBegun(): boolean {
    return this.#schema !== null;
  }

  /** A connection to /v1/arrow for `readRetrying()`. */
  connection(): Connection {
    return {
      credential: this.#options.credential,
      request: () => ({ url: this.#url(), client: this.#options.client }),
      read: (body, onProgress) => this.#read(body, onProgress),
    };
  }

  /** The range after the last row. It begins at that row's start: a range includes every row that it touches. */
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
      delete query.latest;
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
    onProgress: () => void,
  ): Promise<Attempt> {
    const framer = new ArrowFramer();
    let isComplete = false;
    let endReason: string | null = null;
    let hasChanged = false;
    try {
      for await (const chunk of body) {
        for (const message of framer.push(chunk)) {
          if (message.kind === "end") isComplete = true;
          else if (message.kind === "schema") {
            hasChanged = !this.#addSchema(message.bytes);
            if (hasChanged) break;
          } else {
            if (this.#addBatch(message)) onProgress();
            if (message.end !== null) endReason = reasonOf(message.end);
          }
        }
        if (hasChanged) break;
      }
    } catch (error) {
      // After the batch that says `gap`, `error` or `slow`, the server breaks the body off.
      if (endReason === null) throw error;
    }
    if (hasChanged) {
      const detail = "the channels changed, so the file cannot be continued";
      return { kind: "broken", detail };
    }
    if (endReason !== null) {
      const detail = `the server ended the stream: ${endReason}`;
      const { credential } = this.#options;
      return RETRIED_ENDS.has(endReason) ||
          isRenewedAfter(endReason, credential)
        ? { kind: "again", reason: detail }
        : { kind: "broken", detail };
    }
    return isComplete
      ? { kind: "complete" }
      : { kind: "again", reason: "the connection broke" };
  }

  /** Writes the first schema; false when a later one differs from it. */
  #addSchema(message: Uint8Array): boolean {
    if (this.#schema === null) {
      this.#schema = message.slice();
      this.#file.schema(message);
      return true;
    }
    return message.byteLength === this.#schema.byteLength &&
      message.every((byte, i) => byte === this.#schema![i]);
  }

  /** Writes a batch; false when it has no row after the last one. */
  #addBatch(message: ArrowMessage & { kind: "batch" }): boolean {
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
