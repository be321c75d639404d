// Fills the bytes of one row, or of one bin: encoders that need nothing smaller than a whole message are built on it.
// Invariant: a message has at most `messageBytesMax` bytes.
import type { StreamTemplate } from "../arrow/stream_template.ts";

/** Writes the messages of one selection into memory of the caller. */
export interface MessageSource {
  /** Schema and empty batch of the selection in Arrow; null where messages are no Arrow. */
  readonly template: StreamTemplate | null;
  /** Whether every message has exactly `messageBytes`. */
  readonly isFixedLength: boolean;
  /** Expected bytes of a message, and the most that it can have. */
  readonly messageBytes: number;
  readonly messageBytesMax: number;
  /**
   * Writes the message of a row (or bin) to `target`, from byte offset `at` on, where `messageBytesMax` bytes must
   * be free. Returns the byte offset behind the message. An event must begin
   * with its line `id: …`, see StreamText.rowId. `isFill`: every channel is null, even if samples came.
   */
  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number;
}
