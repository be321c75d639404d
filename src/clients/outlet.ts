// How a client's bytes leave the process. Two implementations stand in src/http.
// Invariant: every write is finished exactly once, sent or not, and onDrain follows it.
import type { Frame } from "../frames/frame.ts";

export interface Outlet {
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
  /** Called after each finished write. */
  onDrain: () => void;
  /** Called once, when the other side is gone or the response has ended. */
  onClose: () => void;
}
