// The interface of a file that rows are written to.
// Invariant: a file receives the schema once, then batches in the order of time, then `finish()`.

/** Takes the messages of one Arrow stream. Views are valid during the call only. */
export interface RowFile {
  /** Encapsulated schema message. */
  schema(message: Uint8Array): void;
  /** Encapsulated record batch message with at least one row. */
  batch(message: Uint8Array): void;
  /** Writes the end that the format requires; also called when the stream broke. */
  finish(): void;
}
