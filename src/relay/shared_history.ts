// One history that an upstream reads for all readers of a relay that ask for the same at about the same time.
// Invariant: its reads have numbers in the order of the upstream. A window of them is kept; what it has dropped, the
// fastest reader has taken.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { HistoryMessages, HistoryTopic } from "../source/source.ts";
import { relayRequest } from "./topic_request.ts";
import { UpstreamError, upstreamError } from "./upstream_error.ts";
import type { Upstreams } from "./upstreams.ts";
import {
  checkTopicNumber,
  FRAME,
  type Frame,
  FrameReader,
  payloadText,
} from "./wire.ts";

/** Without a byte for so long, or without a whole frame although bytes come, a read fails. */
const SILENT_MS = 30_000;
/** Memory of a message or a read without its bytes. */
const MESSAGE_BYTES = 100;
/** Most bytes of messages whose read is not complete. */
const BEGUN_BYTES_MAX = 256 * 1024 * 1024;
const END_CHARS_MAX = 100;

/** One read of one topic. */
export interface SharedRead extends HistoryMessages {
  /** GPS ms at which its newest block begins; −Infinity where it has none. */
  readonly newestMs: number;
  readonly bytes: number;
}

export interface SharedHistoryOptions {
  readonly upstreams: Upstreams;
  readonly topics: readonly HistoryTopic[];
  readonly openedClockMs: number;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** So many bytes more are kept. */
  readonly onBytes: (bytes: number) => void;
}

/** What the reader of a number gets: the read, or why there is none. */
export type Found = SharedRead | "later" | "dropped" | "over";

/** The reading of one history. */
export class SharedHistory {
  readonly openedClockMs: number;
  readonly #options: SharedHistoryOptions;
  readonly #topics: (HistoryMessages["messages"][number][] | undefined)[] = [];
  readonly #names: string[] = [];
  readonly #frames = new FrameReader();
  readonly #decoder = new BlockDecoder();
  readonly #layout = newBlockLayout();
  readonly #abort = new AbortController();
  #body: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #reads: SharedRead[] = [];
  /** Number of the first read that is kept, and of the first one that no reader has taken. */
  #first = 0;
  #taken = 0;
  #bytes = 0;
  /** Of messages whose read is not complete. */
  #begunBytes = 0;
  /** Time that was spent on reading the present frame, ms. */
  #waitedMs = 0;
  #readers = 0;
  /** The piece that is being read. */
  #piece: Promise<void> | null = null;
  #isOver = false;

  constructor(options: SharedHistoryOptions) {
    this.#options = options;
    this.openedClockMs = options.openedClockMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasReaders(): boolean {
    return this.#readers > 0;
  }

  /** Whether a new reader gets all from the beginning. */
  get isWhole(): boolean {
    return this.#first === 0;
  }

  /** Whether it is of the log as it is now: it was asked for as new, and nothing of it has come yet. */
  get isNew(): boolean {
    const isAsked = this.#options.topics.some(({ isNew }) => isNew);
    const hasCome = this.#first + this.#reads.length > 0 ||
      this.#begunBytes > 0 || this.#isOver;
    return isAsked && !hasCome;
  }

  join(): void {
    this.#readers++;
  }

  /** Without readers, the upstream reads no more; what is kept stays. */
  leave(): void {
    this.#readers--;
    if (this.#readers === 0) this.#end();
  }

  find(number: number): Found {
    if (number < this.#first) return "dropped";
    const read = this.#reads[number - this.#first];
    if (read === undefined) return this.#isOver ? "over" : "later";
    this.#taken = Math.max(this.#taken, number + 1);
    return read;
  }

  /** Reads one more piece, for all that wait for it. Rejects where that fails, and is over then. */
  more(): Promise<void> {
    return this.#piece ??= this.#readPiece().finally(() => this.#piece = null);
  }

  /** Drops the oldest read that is not needed for the fastest reader; false where there is none. */
  drop(): boolean {
    const isDroppable = this.#first < this.#taken || this.#readers === 0;
    const read = this.#reads[0];
    if (read === undefined || !isDroppable) return false;
    this.#reads.shift();
    this.#first++;
    this.#count(-read.bytes);
    return true;
  }

  #end(): void {
    this.#isOver = true;
    this.#stop();
  }

  #stop(): void {
    this.#abort.abort();
    // Deno does not hear the signal any more once it has collected the Response, of which only the body is in use.
    this.#body?.cancel().catch(() => {});
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#options.onBytes(bytes);
  }

  async #readPiece(): Promise<void> {
    if (this.#isOver) return;
    const { clockMs, upstreams: { counters } } = this.#options;
    const beganMs = clockMs();
    let isSilent = false;
    const timer = setTimeout(() => {
      isSilent = true;
      this.#stop();
    }, SILENT_MS);
    try {
      const body = this.#body ??= await this.#open();
      const { value, done } = await body.read();
      if (done) throw new UpstreamError("the connection was closed", "closed");
      counters.upstream_bytes += value.byteLength;
      this.#waitedMs += clockMs() - beganMs;
      this.#frames.push(value, (frame) => this.#take(frame));
      if (this.#waitedMs > SILENT_MS) {
        throw new UpstreamError(
          `no whole frame came for ${SILENT_MS} ms`,
          "silent",
        );
      }
    } catch (error) {
      this.#end();
      throw isSilent
        ? new UpstreamError(`nothing came for ${SILENT_MS} ms`, "silent")
        : upstreamError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { topics, upstreams } = this.#options;
    const body = relayRequest(
      topics.map(({ topic, fromMs, isNew }) => ({
        topic,
        sinceMs: Math.max(0, fromMs),
        lastMs: null,
        isNew,
      })),
    );
    const path = "/v1/blocks/history";
    const stream = await upstreams.request(path, body, this.#abort.signal);
    const reader = stream.getReader();
    // It may have ended in the meantime.
    if (this.#abort.signal.aborted) await reader.cancel().catch(() => {});
    return reader;
  }

  #take(frame: Frame): void {
    const { topic, payload, kind } = frame;
    this.#waitedMs = 0;
    switch (kind) {
      case FRAME.topic:
        checkTopicNumber(frame, this.#options.topics.length);
        this.#names[topic] = payloadText(frame);
        this.#topics[topic] = [];
        return;
      case FRAME.message:
        this.#begin(payload.byteLength + MESSAGE_BYTES);
        this.#topics[topic]?.push({ value: payload, timestampMs: frame.first });
        return;
      case FRAME.read:
        return this.#add(topic, frame);
      case FRAME.end: {
        const reason = payloadText(frame).slice(0, END_CHARS_MAX);
        if (reason === "complete") this.#isOver = true;
        else {throw new UpstreamError(
            `it ended the history: ${reason}`,
            "ended",
          );}
      }
    }
  }

  #add(number: number, { first, second }: Frame): void {
    const messages = this.#topics[number];
    if (messages === undefined) return;
    this.#topics[number] = [];
    let bytes = MESSAGE_BYTES;
    let newestMs = -Infinity;
    for (const { value } of messages) {
      bytes += value.byteLength + MESSAGE_BYTES;
      if (this.#decoder.decode(value, this.#layout) !== null) continue;
      newestMs = Math.max(newestMs, Number(this.#layout.timeNs) / 1e6);
    }
    this.#reads.push({
      topic: this.#names[number]!,
      messages,
      isAtEnd: first === 1,
      isCut: second === 1,
      newestMs,
      bytes,
    });
    this.#begunBytes -= bytes - MESSAGE_BYTES;
    this.#count(bytes);
  }

  /** Messages come whose read is not complete. */
  #begin(bytes: number): void {
    this.#begunBytes += bytes;
    if (this.#begunBytes <= BEGUN_BYTES_MAX) return;
    throw new UpstreamError(
      `it sent more than ${BEGUN_BYTES_MAX} bytes of a history that belong to no complete read`,
    );
  }
}
