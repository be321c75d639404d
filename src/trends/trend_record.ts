// The trend of one channel: takes its settled blocks out of the page ring, each once, into one ring a bin length.
// Invariant: `next` only grows (except through reset()); what lies below it is in the rings or will never be.
import type { Channel } from "../channels/channel.ts";
import { entryOf } from "../blocks/block_record.ts";
import { NONE } from "../blocks/block_index.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import { newSampleStats, StatsReader } from "./sample_stats.ts";
import { binsKept, fits, TREND_BINS } from "./trend_bins.ts";
import { trendBinBytes, TrendRing } from "./trend_ring.ts";

/** Blocks taken before the caller looks at its clock. */
const BLOCKS_A_STEP = 64;

/** Bytes of the rings of a channel that reaches so far back. */
export function recordBytes(channel: Channel, hours: number): number {
  let bins = 0;
  for (const bin of TREND_BINS) {
    if (fits(bin, channel.strideNs)) bins += binsKept(bin, hours);
  }
  return bins * trendBinBytes(channel.dataType);
}

/** One recorded channel. */
export class TrendRecord {
  readonly channel: Channel;
  readonly partition: PartitionBlocks;
  readonly bytes: number;
  /** By the index of {@linkcode TREND_BINS}; null where the channel's blocks do not fill the bin. */
  readonly rings: readonly (TrendRing | null)[];
  /** Who wants it now, and since when nobody does, by the monotonic clock. */
  leases = 0;
  idleSinceMs = 0;
  /** Blocks that the page ring had given up before they were taken. */
  lostBlocks = 0;
  readonly #place;
  readonly #ratios: Float64Array;
  readonly #reader: StatsReader;
  readonly #stats = newSampleStats();
  /** Next block to be taken; −1: none was yet. */
  #next = -1;

  constructor(channel: Channel, partition: PartitionBlocks, hours: number) {
    this.channel = channel;
    this.partition = partition;
    this.bytes = recordBytes(channel, hours);
    this.rings = TREND_BINS.map((bin) =>
      fits(bin, channel.strideNs)
        ? new TrendRing(channel.dataType, binsKept(bin, hours))
        : null
    );
    this.#ratios = Float64Array.from(
      TREND_BINS,
      ({ binNs }) => Number(binNs / channel.strideNs),
    );
    this.#place = entryOf(channel);
    this.#reader = new StatsReader(partition.ring, channel.dataType);
  }

  /** Takes what is settled, a bounded number of blocks; true when there are more. */
  step(): boolean {
    const { partition } = this;
    const to = partition.settled;
    if (this.#next < 0) {
      const first = partition.nextHeld(0);
      if (first >= to) return false;
      this.#next = first;
    }
    for (let left = BLOCKS_A_STEP; this.#next < to; left--) {
      if (left === 0) return true;
      const position = partition.locate(this.#next);
      if (position < 0) {
        const stored = Math.min(to, partition.nextHeld(this.#next));
        if (position !== NONE) this.lostBlocks += stored - this.#next;
        this.#next = stored;
      } else this.#take(this.#next++, position);
    }
    return false;
  }

  /** Takes all that is settled. */
  catchUp(): void {
    while (this.step());
  }

  /** Nothing that was taken holds any more. */
  reset(): void {
    this.#next = -1;
    for (const ring of this.rings) ring?.reset();
  }

  #take(index: number, position: number): void {
    const { partition, rings } = this;
    const at = partition.samplesAt(position, this.#place);
    if (at < 0) return;
    this.#reader.read(at, this.#place.blockSamples, this.#stats);
    for (let i = 0; i < rings.length; i++) {
      const bin = Math.floor(index / this.#ratios[i]!);
      rings[i]?.add(bin, this.#stats);
    }
  }
}
