// What the block store tells the parts that hand rows out.

/** Called after timelines may have released rows. */
export interface RowListener {
  /** All timelines that an arrival concerns have released what they can; it may be nothing. */
  rowsReleased(): void;
}
