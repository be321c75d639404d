// Writes shared frames to the socket of a node:http response: one write for each client and row; frames carry their own
// HTTP chunk framing. Invariant: a frame is released only after its write has completed or failed
// (test/runtime_facts_test.ts). A write that the kernel takes at once allocates nothing.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { NOBODY, type Outlet, type OutletOwner } from "../../clients/outlet.ts";
import { chunkOf, type Frame } from "../../frames/frame.ts";
import { PacedResponse } from "./paced_response.ts";
import type { RawWriter, WriteListener } from "./raw_write.ts";
import { type EndListener, ReadWatch } from "./read_watch.ts";

const OUTLET = Symbol("outlet");
type Owned = ServerResponse & { [OUTLET]: SocketOutlet };
const NO_FRAMES: (Frame | null)[] = [];

/** Outlet over `node:http`. The response's headers must have been flushed. */
export class SocketOutlet implements Outlet, WriteListener, EndListener {
  owner: OutletOwner = NOBODY;
  readonly #outgoing: ServerResponse;
  /** Null where frames cannot be written to the socket (HTTP/1.0, a pipelined request): then copies are written. */
  readonly #socket: Socket | null;
  /** Null where frames are written with socket.write(). */
  readonly #raw: RawWriter | null;
  /** Whether the native handle may be used at all: on proven versions of the runtime (proven_runtimes.ts). */
  readonly #usesHandle: boolean;
  /** Null where node:http watches for the client's end; undefined before watchForEnd(). */
  #reads: ReadWatch | null | undefined;
  /** Frames of the writes that have not completed, in their order; null for private bytes. */
  #pending = NO_FRAMES;

  constructor(outgoing: ServerResponse, raw: RawWriter | null) {
    this.#outgoing = outgoing;
    const { socket } = outgoing;
    if (outgoing instanceof PacedResponse) outgoing.isStream = true;
    this.#socket = outgoing.chunkedEncoding && socket ? socket : null;
    this.#usesHandle = raw !== null;
    this.#raw = this.#socket !== null && raw?.canWrite(this.#socket)
      ? raw
      : null;
    socket?.setNoDelay(true);
    (outgoing as Owned)[OUTLET] = this;
    outgoing.on("close", closed);
    outgoing.on("error", closed);
    // A response that waits behind another one emits no "close" when their connection closes.
    if (!socket) outgoing.req.socket.once("close", () => this.owner.onClose());
  }

  get inFlight(): number {
    return this.#pending.length;
  }

  write(frame: Frame): void {
    if (this.#socket === null) return this.writeBytes(frame.body.slice());
    this.#write(this.#socket, frame.chunk, frame);
  }

  writeBytes(bytes: Uint8Array): void {
    if (this.#socket !== null) {
      return this.#write(this.#socket, chunkOf(bytes), null);
    }
    this.#wait(null);
    this.#outgoing.write(bytes, () => this.finished(0));
  }

  /** A queued write has completed or failed. */
  finished(status: number): void {
    this.#pending.shift()?.release();
    if (this.#pending.length === 0) this.#pending = NO_FRAMES;
    if (status < 0) this.owner.onClose();
    this.owner.onDrain();
  }

  /** The client has disconnected. */
  readingEnded(): void {
    this.owner.onClose();
  }

  /** Called some time after the stream opened: at once, 2,000 clients that open together would delay rows twice as long. */
  watchForEnd(): void {
    if (!this.#usesHandle) return;
    if (this.#reads === undefined && !this.#outgoing.writableEnded) {
      this.#reads = ReadWatch.begin(this.#outgoing, this);
    }
  }

  end(): void {
    this.#reads?.giveBack();
    this.#outgoing.end();
  }

  cutShort(): void {
    this.#reads?.giveBack();
    // Without the last chunk of HTTP/1.1, the client sees that the body is incomplete.
    if (this.#socket === null) this.#outgoing.destroy();
    else this.#socket.end(() => this.destroy());
  }

  destroy(): void {
    this.#outgoing.destroy();
    // Without this, node destroys the request with an error whose stack costs 40 µs.
    if (this.#socket?.destroyed) this.#outgoing.req.destroy();
  }

  #write(socket: Socket, chunk: Uint8Array, frame: Frame | null): void {
    // Bytes that node itself has queued (the head, on a slow connection) must be written first.
    if (this.#raw !== null && socket.writableLength === 0) {
      const written = this.#raw.write(socket, chunk, this);
      if (written === "done") return;
      if (written === "queued") return this.#wait(frame);
      return this.destroy();
    }
    this.#wait(frame);
    socket.write(chunk, (error) => this.finished(error ? -1 : 0));
  }

  #wait(frame: Frame | null): void {
    frame?.retain();
    if (this.#pending === NO_FRAMES) this.#pending = [];
    this.#pending.push(frame);
  }
}

function closed(this: ServerResponse): void {
  (this as Owned)[OUTLET].owner.onClose();
}
