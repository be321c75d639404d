// The blocks of one partition as history is read: no block is late by the clock, and time may jump back.
import {
  type MissReason,
  PartitionBlocks,
  type PartitionOptions,
} from "./partition_blocks.ts";

/** At most this many blocks that were set aside are noted by their index. */
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

  /** A block of this index was set aside: it was stamped ahead of its production. */
  noteAhead(index: number): void {
    if (this.#ahead.size < AHEAD_MAX) this.#ahead.add(index);
  }

  /** Indexes of these blocks; if there are very many, only the first. */
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
