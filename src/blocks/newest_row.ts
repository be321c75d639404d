// Finds the row with which a stream or an answer begins that asks for the newest one.
// Invariant: it looks at a bounded number of rows, and finds none that the timeline has not released or will not release
// at once.
import type { Timeline } from "./timeline.ts";

/** Rows below the newest that are looked at for one that has all its blocks. */
const LOOK_ROWS = 64;

/**
 * The newest row that has a block of every partition; if none of the newest 64 has, the newest row that has any block.
 * −1: the page ring holds no such row.
 */
export function newestRowOf(timeline: Timeline): number {
  const { released, kind } = timeline;
  let newest = -1;
  // The next row is released at once if all its blocks are here. A bin of a trend may still get blocks.
  let row = kind === "" ? released : released - 1;
  for (; row >= 0 && row > released - LOOK_ROWS; row--) {
    const state = timeline.stateOf(row);
    if (state === "gone") break;
    if (state === "empty") continue;
    if (!timeline.isShort(row)) return row;
    if (newest < 0 && row < released) newest = row;
  }
  return newest;
}
