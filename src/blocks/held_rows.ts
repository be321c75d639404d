// Finds out whether the page ring, or the trends, have a range of rows with every block: such rows cannot change.
// Invariant: it reads the index of blocks only, in slices.
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { Timeline } from "./timeline.ts";

/**
 * `full`: every row has been released with all of its blocks. `gone`: some are not in memory any more, and all others are
 * full. `open`: a row is not released, or a block of it is missing.
 */
export type HeldRows = "full" | "gone" | "open";

/** Blocks that are looked up in about a microsecond. */
const BLOCKS_A_STEP = 20;
const STEPS_A_PART = 200;
/** Most blocks that are looked up: about 50 ms. */
const BLOCKS_MAX = 1 << 20;

/** Whether the rows from `from` to `to` are in memory. */
export function* heldRows(
  timeline: Timeline,
  from: number,
  to: number,
): SlicedWork<HeldRows> {
  if (to > timeline.released) return "open";
  const rowBlocks = timeline.ratios.reduce((sum, ratio) => sum + ratio, 0);
  if ((to - from) * rowBlocks > BLOCKS_MAX) return "open";
  const { coveredRow } = timeline;
  const partRows = Math.max(
    1,
    Math.floor(BLOCKS_A_STEP * STEPS_A_PART / rowBlocks),
  );
  let isGone = false;
  for (let row = from; row < to; row += partRows) {
    const end = Math.min(to, row + partRows);
    yield Math.ceil((end - row) * rowBlocks / BLOCKS_A_STEP);
    for (let i = row; i < end; i++) {
      if (i < coveredRow) isGone = true;
      else if (!timeline.isFull(i)) {
        if (timeline.stateOf(i) !== "gone") return "open";
        isGone = true;
      }
    }
  }
  return isGone ? "gone" : "full";
}
