// One write straight on a socket's native handle, under node's Writable: half the garbage and half the time of
// socket.write(). Invariant: a write is finished when it returns "done", or else when its taker's finished() is called,
// once, whatever becomes of the connection (test/runtime_facts_test.ts). Why: docs/decisions/0013.
import type { Socket } from "node:net";
import process from "node:process";

/** Whose write has left, or has been given up. */
export interface WriteTaker {
  /** `status`: 0, or a negative error number. */
  finished(status: number): void;
}

/** `done`: the bytes are the kernel's. `queued`: finished() follows. `failed`: the connection is over. */
export type Written = "done" | "queued" | "failed";

interface WriteRequest {
  handle: unknown;
  oncomplete: (this: WriteRequest, status: number) => void;
  taker: WriteTaker | null;
  /** Keeps private bytes alive. */
  buffer: Uint8Array | null;
}

interface Handle {
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: ArrayLike<number>;
  readonly kLastWriteWasAsync: number;
}

/** Writes on handles. Where the runtime has no such binding there is none: then socket.write() does. */
export class RawWriter {
  readonly #binding: StreamBinding;
  /** A request whose write was done at once serves the next one. */
  #spare: WriteRequest;

  private constructor(binding: StreamBinding) {
    this.#binding = binding;
    this.#spare = this.#request();
  }

  /** Null on a runtime without the binding. */
  static find(): RawWriter | null {
    const { binding } = process as unknown as {
      binding?: (name: string) => Partial<StreamBinding>;
    };
    try {
      const found = binding?.("stream_wrap");
      const isWhole = typeof found?.WriteWrap === "function" &&
        found.streamBaseState !== undefined &&
        typeof found.kLastWriteWasAsync === "number";
      return isWhole ? new RawWriter(found as StreamBinding) : null;
    } catch {
      return null;
    }
  }

  /** Whether this socket can be written by its handle. */
  canWrite(socket: Socket): boolean {
    return typeof handleOf(socket)?.writeBuffer === "function";
  }

  /** Nothing else may be waiting in the socket's Writable, or the order is lost. */
  write(socket: Socket, bytes: Uint8Array, taker: WriteTaker): Written {
    const handle = handleOf(socket);
    if (!handle) return "failed";
    const request = this.#spare;
    request.handle = handle;
    request.taker = taker;
    request.buffer = bytes;
    if (handle.writeBuffer(request, bytes) !== 0) {
      // Whether the request is in use is not known: it is given up.
      request.taker = null;
      this.#spare = this.#request();
      return "failed";
    }
    const { streamBaseState, kLastWriteWasAsync } = this.#binding;
    if (streamBaseState[kLastWriteWasAsync] === 0) {
      request.handle = request.taker = request.buffer = null;
      return "done";
    }
    this.#spare = this.#request();
    return "queued";
  }

  #request(): WriteRequest {
    const request = new this.#binding.WriteWrap();
    request.handle = null;
    request.taker = null;
    request.buffer = null;
    request.oncomplete = complete;
    return request;
  }
}

function complete(this: WriteRequest, status: number): void {
  const { taker } = this;
  this.handle = this.taker = this.buffer = null;
  taker?.finished(status);
}

function handleOf(socket: Socket): Handle | null {
  return (socket as unknown as { _handle: Handle | null })._handle;
}
