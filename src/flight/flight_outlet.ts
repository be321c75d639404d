// Writes the shared frames of a selection to one call. A row that finds no room in the window of the client's stream, or
// of its connection, stays in flight until the client makes room.
// Invariant: each frame is released exactly once: when its write has completed, or when the stream is closed.
import type { EndReason } from "../clients/end_reason.ts";
import { NOBODY, type Outlet, type OutletOwner } from "../clients/outlet.ts";
import type { Frame } from "../frames/frame.ts";
import type { FlightCall } from "./flight_call.ts";
import { endOf } from "./stream_end.ts";

/** Outlet over a call. Its head must not have been sent. */
export class FlightOutlet implements Outlet {
  owner: OutletOwner = NOBODY;
  readonly #call: FlightCall;
  /** Frames of the writes that have not completed, in their order; null for private bytes. */
  readonly #pending: (Frame | null)[] = [];
  #isClosed = false;
  /** One function for all writes, so that a write costs no closure. */
  readonly #written = () => this.#finished();

  constructor(call: FlightCall) {
    this.#call = call;
    call.onClose = () => this.#closed();
    call.begin();
  }

  get inFlight(): number {
    return this.#pending.length;
  }

  write(frame: Frame): void {
    if (this.#isClosed) return;
    frame.retain();
    this.#write(frame.body, frame);
  }

  writeBytes(bytes: Uint8Array): void {
    if (!this.#isClosed && bytes.byteLength > 0) this.#write(bytes, null);
  }

  end(reason: EndReason): void {
    this.#call.end(endOf(reason));
  }

  /** Each end but that of a whole range shows that something is missing. */
  cutShort(): void {
    this.end("error");
  }

  destroy(): void {
    this.#call.destroy();
    this.#closed();
  }

  #write(bytes: Uint8Array, frame: Frame | null): void {
    this.#pending.push(frame);
    this.#call.write(bytes, this.#written);
  }

  #finished(): void {
    if (this.#isClosed) return;
    this.#pending.shift()?.release();
    this.owner.onDrain();
  }

  /** The runtime may call back for the writes that are lost, or not: their frames are released now. */
  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const frame of this.#pending.splice(0)) frame?.release();
    this.owner.onClose();
    this.owner.onDrain();
  }
}
