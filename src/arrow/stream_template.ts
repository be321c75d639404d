// The parts of an Arrow stream that are the same for all of its rows.
// Invariant: the bytes of batches never change while the stream lasts.

/** What a stream's beginning, heartbeats and end are made from. */
export interface StreamTemplate {
  /** Encapsulated schema message: the first bytes of a stream that begins now. */
  readonly schemaMessage: Uint8Array;
  /** Encapsulated record batch without rows. */
  readonly emptyBatch: Uint8Array;
}
