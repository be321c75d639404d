// What those who read blocks need of a ring, whether this thread writes it or another one.
// Invariant: a position is never used again.

/** Records by position. A record is complete while its first page is held. */
export interface Ring {
  /** The buffer; read it at `byteOffset(position)`. */
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly pageBytes: number;
  /** Where the next record begins. */
  readonly headPosition: number;
  /** Records before this position are lost. */
  readonly oldestPosition: number;
  /** Bytes between the oldest record and the head. */
  readonly occupiedBytes: number;
  /** Bytes of the buffer that were written to at least once. */
  readonly highWaterBytes: number;
  /** Pages reused since the start. */
  readonly reclaimedPages: number;
  /** Whether the record at a position is still complete. */
  holds(position: number): boolean;
  /**
   * Call it after bytes were copied, and before holds() is asked again whether they were whole: it keeps the processor
   * from asking first. Nothing where this thread writes.
   */
  copied(): void;
  /** Byte offset of a position in `bytes`; valid while the position is held. */
  byteOffset(position: number): number;
  /**
   * Reserves `byteLength` contiguous, aligned bytes for a record. Returns their position; −1 when they can never fit.
   * Where another thread writes: the position at which it has written the record that is being delivered.
   */
  reserve(byteLength: number): number;
  /** Whether reserve() returns the position of a record that is there already. */
  readonly isWrittenElsewhere: boolean;
}
