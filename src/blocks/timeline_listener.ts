// What a timeline reports to the groups of clients, and to the trends.
import type { RowGap } from "./row_gap.ts";

/** Takes the rows and gaps of a timeline, in order. */
export interface TimelineListener {
  onRow(row: number): void;
  onGap(gap: RowGap): void;
  /** Time jumped back or the log was created again: nothing that was reported before is valid. */
  onReset(): void;
  /** The timeline has found its first row; `frontier` is set. */
  onReady(): void;
}
