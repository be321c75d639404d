// Writes a client's bytes to its connection. src/http has the two implementations.
// Invariant: every write is finished exactly once, sent or not; one that was in flight is followed by onDrain.
import type { Frame } from "../frames/frame.ts";

/** Who writes into an outlet. */
export interface OutletOwner {
  /** Called after each write that did not complete immediately. */
  onDrain(): void;
  /** Called when the other side has disconnected or the response has ended; may be called again. destroy() follows. */
  onClose(): void;
}

/** The owner of an outlet before a client uses it. */
export const NOBODY: OutletOwner = { onDrain: () => {}, onClose: () => {} };

export interface Outlet {
  owner: OutletOwner;
  /** Called about once a second. On the first call, the outlet starts to watch for the client's end at low cost. */
  watchForEnd?(): void;
  /** Queues a shared frame; keeps an owner of it until the bytes were sent. */
  write(frame: Frame): void;
  /** Queues private bytes. */
  writeBytes(bytes: Uint8Array): void;
  /** Writes that have not completed yet. */
  readonly inFlight: number;
  /** Ends the response properly, behind everything written. */
  end(): void;
  /** Ends it behind everything written, so that its reader sees that it is not whole. */
  cutShort(): void;
  /** Drops the connection at once. */
  destroy(): void;
}
