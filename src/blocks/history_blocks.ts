// The blocks of one partition, for reading history: here no block is late by the clock, and a block that jumps back in
// time is kept.
import type { MissReason } from "./miss_reason.ts";
import { PartitionBlocks, type PartitionOptions } from "./partition_blocks.ts";

/** Most indexes of blocks set aside that are noted. */
const AHEAD_MAX = 1024;

export class HistoryBlocks extends PartitionBlocks {
  readonly #ahead = new Set<number>();

  constructor(
    options: Pick<
      PartitionOptions,
      "topic" | "strideNs" | "maxLatencyNs" | "ring" | "futureToleranceMs"
    >,
  ) {
    super({ ...options, outageWaitMs: 0, outageGraceMs: 0, hasClock: false });
  }

  /** Notes the index of a block that was set aside because its time is ahead of its production. */
  noteAhead(index: number): void {
    if (this.#ahead.size < AHEAD_MAX) this.#ahead.add(index);
  }

  /** Indexes of the blocks that were set aside, at most the first `AHEAD_MAX`. */
  get ahead(): ReadonlySet<number> {
    return this.#ahead;
  }

  /** `future`: it was set aside as stamped ahead of its production. `missing`: the log does not have it. */
  override missReasonOf(index: number): MissReason {
    return this.#ahead.has(index) ? "future" : "missing";
  }

  protected override jumpsBack(_index: number): boolean {
    return false;
  }
}
