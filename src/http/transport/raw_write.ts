// Writes to a socket through its native handle, below node's Writable: half the garbage and half the time of
// socket.write(). Invariant: a write has finished when write() returns "done"; after "queued" it has finished when its
// listener's finished() is called, which happens exactly once, also when the connection breaks
// (test/runtime_facts_test.ts). Why: docs/decisions/0013.
import type { Socket } from "node:net";
import process from "node:process";

/** Is notified when a queued write has finished. */
export interface WriteListener {
  /** `status`: 0 when the kernel has taken the bytes, a negative error number when they were given up. */
  finished(status: number): void;
}

/** `done`: the kernel has taken all bytes. `queued`: finished() follows. `failed`: the connection is broken. */
export type Written = "done" | "queued" | "failed";

interface WriteRequest {
  handle: unknown;
  oncomplete: (this: WriteRequest, status: number) => void;
  listener: WriteListener | null;
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

/** Writes to sockets by their handles. On a runtime without this binding, callers use socket.write() instead. */
export class RawWriter {
  readonly #binding: StreamBinding;
  /** Unused request object; most writes are done at once and leave it for the next one. */
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

  /** Writes all bytes. The socket's Writable must be empty, else the order of the bytes is lost. */
  write(socket: Socket, bytes: Uint8Array, listener: WriteListener): Written {
    const handle = handleOf(socket);
    if (!handle) return "failed";
    const request = this.#spare;
    request.handle = handle;
    request.listener = listener;
    request.buffer = bytes;
    if (handle.writeBuffer(request, bytes) !== 0) {
      // The runtime may or may not still use this request, so it is not used again.
      request.listener = null;
      this.#spare = this.#request();
      return "failed";
    }
    const { streamBaseState, kLastWriteWasAsync } = this.#binding;
    if (streamBaseState[kLastWriteWasAsync] === 0) {
      request.handle = request.listener = request.buffer = null;
      return "done";
    }
    this.#spare = this.#request();
    return "queued";
  }

  #request(): WriteRequest {
    const request = new this.#binding.WriteWrap();
    request.handle = null;
    request.listener = null;
    request.buffer = null;
    request.oncomplete = complete;
    return request;
  }
}

function complete(this: WriteRequest, status: number): void {
  const { listener } = this;
  this.handle = this.listener = this.buffer = null;
  listener?.finished(status);
}

function handleOf(socket: Socket): Handle | null {
  return (socket as unknown as { _handle: Handle | null })._handle;
}
