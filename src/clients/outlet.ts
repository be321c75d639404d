// How a client's bytes leave the process. Two implementations stand in src/http.
// Invariant: every write is finished exactly once, sent or not; one that was in flight is followed by onDrain.
import type { Frame } from "../frames/frame.ts";

/** Who writes into an outlet. */
export interface OutletOwner {
  /** Called after each write that did not leave at once. */
  onDrain(): void;
  /** Called when the other side is gone or the response has ended; may come again. destroy() follows in time. */
  onClose(): void;
}

/** Owner of an outlet that nobody has taken yet. */
export const NOBODY: OutletOwner = { onDrain: () => {}, onClose: () => {} };

export interface Outlet {
  owner: OutletOwner;
  /** Called about once a second. On the first call, the outlet starts to watch for the client's end at low cost. */
  watchForEnd?(): void;
  /** Queues a shared frame; keeps an owner of it until the bytes have left. */
  write(frame: Frame): void;
  /** Queues private bytes. */
  writeBytes(bytes: Uint8Array): void;
  /** Writes that have not left yet. */
  readonly inFlight: number;
  /** Ends the response properly, behind everything written. */
  end(): void;
  /** Ends it behind everything written, so that its reader sees that it is not whole. */
  cutShort(): void;
  /** Drops the connection at once. */
  destroy(): void;
}
