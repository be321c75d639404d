// A node:http response that hands the socket one piece of a long body at a time. A client that does not read costs one
// piece in the socket's queue, and each piece that is sent shows that the client still reads.
// Invariant: at most one piece of a long body waits in the socket, and the caller's bytes are not copied.
import { Buffer } from "node:buffer";
import { type IncomingMessage, ServerResponse } from "node:http";

/** Longest single write. At 64 KiB a minute, the slowest client that is not disconnected reads 1 KiB a second. */
export const PIECE_BYTES = 64 * 1024;

type Done = (error?: Error | null) => void;
type Chunk = string | Uint8Array;

/** node's own fields, which its types do not list. */
interface Internals {
  _hasBody: boolean;
  _last: boolean;
  shouldKeepAlive: boolean;
}

/** A long chunk that is being sent, and the callback for its end. */
interface Queued {
  readonly bytes: Uint8Array;
  readonly done: Done | undefined;
}

/** The response class of the server. */
export class PacedResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Set for a stream: its client is monitored elsewhere, not by Connections. */
  isStream = false;
  /** Set when bytes were sent; Connections resets it at each look for stalled clients. */
  hasProgress = false;
  /** Set when a RequestGate closes the connection after its last answer. */
  isGated = false;
  /** Set when the head says `connection: close`, and RequestGate has to close the connection. */
  isLast = false;
  /** Long chunks that have not been sent whole; null most of the time. */
  #queue: Queued[] | null = null;
  #offset = 0;
  #queuedBytes = 0;
  #afterQueue: (() => void) | null = null;

  /** Bytes of long chunks that have not been handed to the socket. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** A request that is answered before its whole body has arrived is the last one of its connection. */
  override writeHead(
    statusCode: number,
    // deno-lint-ignore no-explicit-any -- the two overloads of node
    ...rest: any[]
  ): this {
    const internals = this as unknown as Internals;
    const isEarly = this.isGated && !this.req.complete;
    if (isEarly) internals.shouldKeepAlive = false;
    super.writeHead(statusCode, ...rest);
    // Node would destroy the socket right after the answer, and a reset could lose it: RequestGate closes it instead.
    if (isEarly) {
      internals._last = false;
      this.isLast = true;
    }
    return this;
  }

  override write(chunk: Chunk, ...rest: unknown[]): boolean {
    const done = rest.find((item) => typeof item === "function") as Done;
    const encoding = encodingOf(rest[0]);
    if (this.#queue === null && !this.#isLong(chunk)) {
      if (this.isStream) return super.write(chunk, encoding, done);
      return super.write(chunk, encoding, (error?: Error | null) => {
        if (!error) this.hasProgress = true;
        done?.(error ?? null);
      });
    }
    this.#enqueue({ bytes: bytesOf(chunk, encoding), done });
    return false;
  }

  override end(...args: unknown[]): this {
    const chunk = typeof args[0] === "function" ? null : args[0] as Chunk;
    const hasChunk = chunk !== undefined && chunk !== null;
    if (this.#queue === null && !(hasChunk && this.#isLong(chunk))) {
      return super.end(...args as Parameters<ServerResponse["end"]>);
    }
    const done = args.find((item) => typeof item === "function") as
      | (() => void)
      | undefined;
    this.#afterQueue = () => super.end(done);
    if (hasChunk) {
      const bytes = bytesOf(chunk, encodingOf(args[1]));
      this.#enqueue({ bytes, done: undefined });
    }
    return this;
  }

  #isLong(chunk: Chunk): boolean {
    // A string has at most three bytes a unit.
    const bytesMax = typeof chunk === "string"
      ? chunk.length * 3
      : chunk.byteLength;
    return bytesMax > PIECE_BYTES && (this as unknown as Internals)._hasBody;
  }

  #enqueue(queued: Queued): void {
    this.#queuedBytes += queued.bytes.byteLength;
    if (this.#queue !== null) return void this.#queue.push(queued);
    this.#queue = [queued];
    this.#writePiece();
  }

  /** The piece that was being sent is done, or has failed. */
  #pieceDone(error?: Error | null): void {
    const queue = this.#queue;
    if (queue === null) return;
    if (error || this.destroyed) {
      this.#queue = null;
      this.#queuedBytes = 0;
      for (const { done } of queue) done?.(error ?? null);
      return;
    }
    this.hasProgress = true;
    const { bytes, done } = queue[0]!;
    if (this.#offset === bytes.byteLength) {
      queue.shift();
      this.#offset = 0;
      done?.(null);
    }
    if (queue.length > 0) return this.#writePiece();
    this.#queue = null;
    if (this.#afterQueue) this.#afterQueue();
    else this.emit("drain");
  }

  #writePiece(): void {
    const { bytes } = this.#queue![0]!;
    const piece = bytes.subarray(this.#offset, this.#offset + PIECE_BYTES);
    this.#offset += piece.byteLength;
    this.#queuedBytes -= piece.byteLength;
    super.write(piece, (error?: Error | null) => this.#pieceDone(error));
  }
}

function encodingOf(given: unknown): BufferEncoding {
  return typeof given === "string" ? given as BufferEncoding : "utf8";
}

function bytesOf(chunk: Chunk, encoding: BufferEncoding): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
}
