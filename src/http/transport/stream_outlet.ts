// Writes into a ReadableStream, for runtimes without node's sockets. The runtime may read a chunk long after it was
// enqueued, so each frame is copied: a slot of the slab is never exposed to it.
import { NOBODY, type Outlet, type OutletOwner } from "../../clients/outlet.ts";
import type { Frame } from "../../frames/frame.ts";

/** Outlet over the body of a `Response`. */
export class StreamOutlet implements Outlet {
  owner: OutletOwner = NOBODY;
  readonly body: ReadableStream<Uint8Array>;
  readonly #inFlightMax: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #closed = false;

  constructor(inFlightMax: number) {
    this.#inFlightMax = inFlightMax;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.owner.onDrain(),
      cancel: () => {
        this.#closed = true;
        this.owner.onClose();
      },
    }, new CountQueuingStrategy({ highWaterMark: inFlightMax }));
  }

  get inFlight(): number {
    return this.#closed
      ? 0
      : this.#inFlightMax - (this.#controller.desiredSize ?? 0);
  }

  write(frame: Frame): void {
    this.writeBytes(frame.body.slice());
  }

  writeBytes(bytes: Uint8Array): void {
    if (!this.#closed) this.#controller.enqueue(bytes);
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#controller.close();
  }

  cutShort(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#controller.error(new Error("The stream was cut short by the server"));
  }
}
