// Writes a client's bytes to its connection. src/http has two implementations, src/flight a third one.
// Invariant: every write is finished exactly once, sent or not; one that was in flight is followed by onDrain.
import type { Frame } from "../frames/frame.ts";
import type { EndReason } from "./end_reason.ts";

/** The client that writes into an outlet. */
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
  /** Writes a shared frame, and owns it until the bytes have been sent. */
  write(frame: Frame): void;
  /** Writes bytes that are this client's alone. */
  writeBytes(bytes: Uint8Array): void;
  /** Writes that have not completed yet. */
  readonly inFlight: number;
  /** Ends the response properly, after everything that was written. `reason`: where the response's end can say it. */
  end(reason: EndReason): void;
  /** Ends it after everything that was written, in a way that shows the reader that it is incomplete. */
  cutShort(): void;
  /** Drops the connection at once. */
  destroy(): void;
}
