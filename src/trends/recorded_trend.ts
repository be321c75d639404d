// What those who show bins need of a recorded trend, whether this thread records it or another one.
// Invariant: a bin below the newest one does not change, except that it is dropped.
import type { Channel } from "../channels/channel.ts";
import type { OldestBins } from "./oldest_bins.ts";
import type { SampleStats } from "./sample_stats.ts";

/** The newest bins of one channel at one length. */
export interface RecordedBins {
  /** First bin that samples were added to; −1 before. */
  readonly first: number;
  /** First bin that is still kept; Infinity before the first one. */
  readonly oldest: number;
  /** Whether a bin is kept and has at least one block. */
  has(bin: number): boolean;
  /** Reads a bin; false when it has no block. `out.count` is 0 when all samples were NaN. */
  read(bin: number, out: SampleStats): boolean;
  /** The first bin from `from` on that has a block; Infinity when there is none. */
  nextBin(from: number): number;
}

/** One recorded channel. */
export interface RecordedTrend {
  readonly channel: Channel;
  /** By the index of `TREND_BINS`; null where a bin is not a whole number of the channel's blocks. */
  readonly rings: readonly (RecordedBins | null)[];
  /**
   * Whether what is settled below a block is in the bins, or will be before they are read. Where another thread records:
   * also true when that has not come any further for some time.
   */
  isRecordedTo(block: number): boolean;
  /** Records at most 64 settled blocks; true when there are more. Where another thread records: nothing. */
  step(): boolean;
  /** Records all settled blocks. Where another thread records: nothing. */
  catchUp(): void;
}

/** What is counted of the recording. */
export interface TrendCounters {
  /** Matching channels that were not recorded since the limit was reached. */
  refused: number;
  /** Recordings that could not begin because the system had no memory. Those of matching channels are tried again. */
  noMemory: number;
  /** Time spent reading blocks in slices, s. */
  seconds: number;
}

/** The trends of one instance, which it records itself or leases from the thread that reads. */
export interface Trends {
  readonly counters: TrendCounters;
  /** Channels that are recorded here. */
  readonly channelCount: number;
  /** Bytes of all rings that are written here. */
  readonly usedBytes: number;
  /** Most bytes of all rings together. */
  readonly budgetBytes: number;
  /** Blocks that left the page ring before they were read. */
  readonly lostBlocks: number;
  /** Whether there may be settled blocks to read. */
  readonly isDue: boolean;
  /**
   * Makes lease() of these channels possible until the code that waits for the result has run. Null: it is possible now.
   * It never rejects: where there is no memory, lease() returns null.
   */
  prepare(channels: readonly Channel[]): Promise<void> | null;
  /** Leases the records of channels; null when there is no memory for them. The caller releases them. */
  lease(channels: readonly Channel[]): readonly RecordedTrend[] | null;
  /** The oldest bins that are kept. Leases nothing, and never rejects. */
  oldestBins(channel: Channel): OldestBins | Promise<OldestBins>;
  /** Ends the leases of records. */
  release(records: readonly RecordedTrend[]): void;
  /** Reads settled blocks until none is left (false) or the clock passes `endMs` (true). */
  run(endMs: number): boolean;
  /** Call it a few times per second. */
  tick(): void;
  close(): void;
}
