// One stream of frames to a relay: its next bytes are made when the relay has taken those before.
// Invariant: after the last frame, `end`, nothing is sent; onClosed is called once, on every way a stream can end.
import { FRAME, frameBytes, textPayload } from "./wire.ts";

/**
 * Why the origin ends a stream. `complete`: a history has been read to the end of the log. `slow`: the page ring has
 * overwritten what the relay has not read. `rights`: its rights have changed, or its token has expired. `drain`: the
 * origin shuts down. `failed`: the origin cannot read the history.
 */
export const STREAM_ENDS = [
  "complete",
  "slow",
  "rights",
  "drain",
  "failed",
  "left",
] as const;
/** `left`: the relay closed the connection. */
export type StreamEnd = typeof STREAM_ENDS[number];

/** Bytes that one piece of a stream has at least, if there are so many. */
export const PIECE_BYTES: number = 64 * 1024;

/** Makes the frames of a stream. */
export interface FrameMaker {
  /** Adds frames to `out`, of about `PIECE_BYTES`; none while there is nothing to send. */
  make(out: Uint8Array[]): void | Promise<void>;
  /** Releases what it holds. */
  close(): void;
}

export interface RelayStreamOptions {
  readonly maker: FrameMaker;
  readonly onClosed: (end: StreamEnd) => void;
  readonly onBytes: (bytes: number) => void;
}

/** The body of one answer. */
export class RelayStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #options: RelayStreamOptions;
  #end: StreamEnd | null = null;
  #wake: () => void = () => {};

  constructor(options: RelayStreamOptions) {
    this.#options = options;
    this.body = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.end("left"),
    }, { highWaterMark: 0 });
  }

  /** The maker may have more frames now. */
  wake(): void {
    this.#wake();
  }

  /** Ends the stream, with a last frame where someone still reads it. Idempotent. */
  end(reason: StreamEnd): void {
    if (this.#end !== null) return;
    this.#end = reason;
    this.#options.maker.close();
    this.#options.onClosed(reason);
    this.#wake();
  }

  async #pull(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    const { maker, onBytes } = this.#options;
    const out: Uint8Array[] = [];
    while (this.#end === null) {
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      try {
        await maker.make(out);
      } catch {
        this.end("failed");
      }
      if (out.length > 0 || this.#end !== null) break;
      await woken;
    }
    if (this.#end === "left") return;
    if (this.#end !== null) {
      out.push(frameBytes(FRAME.end, { payload: textPayload(this.#end) }));
    }
    const bytes = joined(out);
    onBytes(bytes.byteLength);
    controller.enqueue(bytes);
    if (this.#end !== null) controller.close();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const { byteLength } of parts) length += byteLength;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
