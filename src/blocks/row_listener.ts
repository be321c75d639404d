// The reports of the block store to the parts that send rows.

/** Called after timelines may have released rows. */
export interface RowListener {
  /** All timelines that an arrival concerns have released what they can; it may be nothing. */
  rowsReleased(): void;
}
