// What the block store reports to the part that hands rows out to clients.

/** Called after timelines may have released rows. */
export interface RowListener {
  /** After an arrival, its timelines have released the rows that they can; there may be none. */
  rowsReleased(): void;
}
