// Writes shared frames straight to a node:http response's socket: one write a client and row, no framing.
// Invariant: a frame is released in the callback of its own write, never earlier (test/runtime_facts_test.ts).
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Outlet } from "../clients/outlet.ts";
import { chunkOf, type Frame } from "../frames/frame.ts";

/** Outlet over `node:http`. Headers must have been flushed. */
export class SocketOutlet implements Outlet {
  onDrain: () => void = () => {};
  onClose: () => void = () => {};
  readonly #outgoing: ServerResponse;
  /** Null where frames may not be written raw (HTTP/1.0, a pipelined request): then copies are written. */
  readonly #socket: Socket | null;
  readonly #pending: (Frame | null)[] = [];
  readonly #done: () => void;

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
    const { socket } = outgoing;
    this.#socket = outgoing.chunkedEncoding && socket ? socket : null;
    socket?.setNoDelay(true);
    this.#done = () => {
      this.#pending.shift()?.release();
      this.onDrain();
    };
    outgoing.on("close", () => this.onClose());
    outgoing.on("error", () => this.onClose());
  }

  get inFlight(): number {
    return this.#pending.length;
  }

  write(frame: Frame): void {
    if (this.#socket === null) return this.writeBytes(frame.body.slice());
    frame.retain();
    this.#pending.push(frame);
    this.#socket.write(frame.chunk, this.#done);
  }

  writeBytes(bytes: Uint8Array): void {
    this.#pending.push(null);
    if (this.#socket === null) this.#outgoing.write(bytes, this.#done);
    else this.#socket.write(chunkOf(bytes), this.#done);
  }

  end(): void {
    this.#outgoing.end();
  }

  cutShort(): void {
    // Without the last chunk that HTTP/1.1 wants.
    if (this.#socket === null) this.#outgoing.destroy();
    else this.#socket.end(() => this.#outgoing.destroy());
  }

  destroy(): void {
    this.#outgoing.destroy();
  }
}
