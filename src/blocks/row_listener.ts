// What the block store reports to the part that hands rows out to clients.

/** Called after timelines may have released rows. */
export interface RowListener {
  /** All timelines that an arrival concerns have released what they can; it may be nothing. */
  rowsReleased(): void;
}
