// The trend of one channel: reads its settled blocks from the page ring into one ring per length of bins.
// Invariant: each block is read at most once, in order; `#next` only grows, except in reset().
import type { Channel } from "../channels/channel.ts";
import { entryOf } from "../blocks/block_record.ts";
import { NONE } from "../blocks/block_index.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { RecordedTrend } from "./recorded_trend.ts";
import { newSampleStats, StatsReader } from "./sample_stats.ts";
import { binsKept, fits, TREND_BINS } from "./trend_bins.ts";
import {
  allocateTrend,
  type TrendMemory,
  TrendMemoryWriter,
} from "./trend_memory.ts";
import { trendBinBytes, TrendRing } from "./trend_ring.ts";

/** Most blocks of one step, after which the caller checks its clock. */
const BLOCKS_PER_STEP = 64;

/** Bytes of a channel's rings. `hours`: how long bins of 1 s are kept. */
export function recordBytes(channel: Channel, hours: number): number {
  let bins = 0;
  for (const capacity of capacitiesOf(channel, hours)) bins += capacity;
  return bins * trendBinBytes(channel.dataType);
}

/** Bins of each length that are kept; 0 where a bin is not a whole number of the channel's blocks. */
function capacitiesOf({ strideNs }: Channel, hours: number): number[] {
  return TREND_BINS.map((bin) =>
    fits(bin, strideNs) ? binsKept(bin, hours) : 0
  );
}

export interface TrendRecordOptions {
  readonly channel: Channel;
  readonly partition: PartitionBlocks;
  /** How long bins of 1 s are kept. */
  readonly hours: number;
  /** For other threads, its number: they can read the bins. @default no other thread can */
  readonly sharedAs?: number | undefined;
}

/** One recorded channel. */
export class TrendRecord implements RecordedTrend {
  readonly channel: Channel;
  readonly partition: PartitionBlocks;
  /** Bytes of its rings. */
  readonly bytes: number;
  /** By the index of {@linkcode TREND_BINS}; null where a bin is not a whole number of the channel's blocks. */
  readonly rings: readonly (TrendRing | null)[];
  /** Leases at the moment; and when the last one that was used ended, by the monotonic clock: never, at first. */
  leases = 0;
  idleSinceMs = -Infinity;
  /** Blocks that left the page ring before they were read. */
  lostBlocks = 0;
  readonly #entry;
  readonly #ratios: Float64Array;
  readonly #reader: StatsReader;
  readonly #stats = newSampleStats();
  readonly #shared: TrendMemoryWriter | null;
  /** Next block to read; −1 before the first one. */
  #next = -1;
  /** As other threads know it. */
  #recordedTo = -1;

  constructor(options: TrendRecordOptions) {
    const { channel, partition, hours, sharedAs: id } = options;
    const { dataType } = channel;
    this.channel = channel;
    this.partition = partition;
    this.bytes = recordBytes(channel, hours);
    const capacities = capacitiesOf(channel, hours);
    const shared = this.#shared = id === undefined
      ? null
      : new TrendMemoryWriter(allocateTrend({ id, dataType, capacities }));
    this.rings = capacities.map((capacity, i) =>
      capacity === 0
        ? null
        : new TrendRing(dataType, capacity, shared?.arrays[i] ?? undefined)
    );
    this.#ratios = Float64Array.from(
      TREND_BINS,
      ({ binNs }) => Number(binNs / channel.strideNs),
    );
    this.#entry = entryOf(channel);
    this.#reader = new StatsReader(partition.ring, channel.dataType);
    if (shared !== null) {
      shared.begin();
      shared.end(this.rings, this.#recordedTo);
    }
  }

  /** What other threads read its bins by; null where they cannot. */
  get memory(): TrendMemory | null {
    return this.#shared?.memory ?? null;
  }

  /** Settled blocks are in the bins as soon as they are read: see catchUp(). */
  isRecordedTo(): boolean {
    return true;
  }

  /** Reads at most 64 settled blocks; true when there are more. */
  step(): boolean {
    const to = this.partition.settled;
    const isLeft = this.#readTo(to);
    const shared = this.#shared;
    if (shared !== null) {
      const recordedTo = isLeft ? this.#next : to;
      if (recordedTo !== this.#recordedTo) {
        shared.begin();
        shared.end(this.rings, this.#recordedTo = recordedTo);
      }
    }
    return isLeft;
  }

  #readTo(to: number): boolean {
    const { partition } = this;
    if (this.#next < 0) {
      const first = partition.nextHeld(0);
      if (first >= to) return false;
      this.#next = first;
    }
    for (let left = BLOCKS_PER_STEP; this.#next < to; left--) {
      if (left === 0) return true;
      const position = partition.locate(this.#next);
      if (position < 0) {
        const stored = Math.min(to, partition.nextHeld(this.#next));
        if (position !== NONE) this.lostBlocks += stored - this.#next;
        this.#next = stored;
      } else this.#readBlock(this.#next++, position);
    }
    return false;
  }

  /** Reads all settled blocks. */
  catchUp(): void {
    while (this.step());
  }

  /** Drops all bins, as when the publisher's time jumps back. */
  reset(): void {
    this.#shared?.begin();
    this.#next = this.#recordedTo = -1;
    for (const ring of this.rings) ring?.reset();
    this.#shared?.end(this.rings, this.#recordedTo);
  }

  /** It is recorded no more: other threads that look for it lease another one. */
  stop(): void {
    this.#shared?.stop();
  }

  #readBlock(index: number, position: number): void {
    const { partition, rings } = this;
    const { ring } = partition;
    const at = partition.samplesAt(position, this.#entry);
    if (at < 0) return;
    this.#reader.read(at, this.#entry.blockSamples, this.#stats);
    ring.copied();
    if (!ring.holds(position)) {
      this.lostBlocks++;
      return;
    }
    this.#shared?.begin();
    for (let i = 0; i < rings.length; i++) {
      const bin = Math.floor(index / this.#ratios[i]!);
      rings[i]?.add(bin, this.#stats);
    }
    this.#shared?.end(rings, this.#recordedTo);
  }
}
