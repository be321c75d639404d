// The newest bins of one channel at one length, in typed arrays that are allocated once.
// Invariant: bins are added in order; a bin is in slot `bin % capacity` until a newer one overwrites it.
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import { SAMPLE_ARRAYS, type Samples } from "../channels/sample_arrays.ts";
import type { RecordedBins } from "./recorded_trend.ts";
import type { SampleStats } from "./sample_stats.ts";
import type { BinArrays } from "./trend_memory.ts";

// Bytes of one bin:
//   min    1 to 8     the channel's own type
//   max    1 to 8
//   sum    8          float64
//   count  4          uint32: number of samples plus one; 0: no block
const SUM_AND_COUNT_BYTES = 12;

/** Bytes of one bin. */
export function trendBinBytes(dataType: DataType): number {
  return 2 * SAMPLE_BYTES[dataType] + SUM_AND_COUNT_BYTES;
}

/** Bins of one length. */
export class TrendRing implements RecordedBins {
  /** Number of bins. */
  readonly capacity: number;
  /** First and last bin that samples were added to; −1 before. */
  first = -1;
  newest = -1;
  readonly #min: Samples;
  readonly #max: Samples;
  readonly #sum: Float64Array;
  readonly #counts: Uint32Array;

  /** `arrays`: where the bins are kept, zeroed. @default arrays of its own */
  constructor(
    dataType: DataType,
    capacity: number,
    arrays: BinArrays = ownArrays(dataType, capacity),
  ) {
    this.capacity = capacity;
    this.#min = arrays.min;
    this.#max = arrays.max;
    this.#sum = arrays.sum;
    this.#counts = arrays.counts;
  }

  /** First bin that is still in the ring; Infinity before the first one. */
  get oldest(): number {
    if (this.first < 0) return Infinity;
    return Math.max(this.first, this.newest - this.capacity + 1);
  }

  /** Adds the statistics of samples to a bin. Throws RangeError when a later bin has begun. */
  add(bin: number, stats: SampleStats): void {
    this.#beginBin(bin);
    const slot = bin % this.capacity;
    const stored = this.#counts[slot]!;
    const isFirst = stored <= 1;
    this.#counts[slot] = Math.max(stored, 1) + stats.count;
    if (stats.count === 0) return;
    const min = this.#min;
    const max = this.#max;
    if (isBig(min)) {
      if (isFirst || stats.minBig < min[slot]!) min[slot] = stats.minBig;
    } else if (isFirst || stats.min < min[slot]!) min[slot] = stats.min;
    if (isBig(max)) {
      if (isFirst || stats.maxBig > max[slot]!) max[slot] = stats.maxBig;
    } else if (isFirst || stats.max > max[slot]!) max[slot] = stats.max;
    this.#sum[slot] = isFirst ? stats.sum : this.#sum[slot]! + stats.sum;
  }

  /** Whether a bin is in the ring and has at least one block. */
  has(bin: number): boolean {
    if (bin > this.newest || bin < this.oldest) return false;
    return this.#counts[bin % this.capacity]! > 0;
  }

  /** Reads a bin; false when it has no block. `out.count` is 0 when all samples were NaN. */
  read(bin: number, out: SampleStats): boolean {
    if (!this.has(bin)) return false;
    const slot = bin % this.capacity;
    const min = this.#min[slot]!;
    const max = this.#max[slot]!;
    if (typeof min === "bigint") {
      out.minBig = min;
      out.maxBig = max as bigint;
    } else {
      out.min = min;
      out.max = max as number;
    }
    out.sum = this.#sum[slot]!;
    out.count = this.#counts[slot]! - 1;
    return true;
  }

  /** The first bin from `from` on that has a block; Infinity when there is none. */
  nextBin(from: number): number {
    for (let bin = Math.max(from, this.oldest); bin <= this.newest; bin++) {
      if (this.#counts[bin % this.capacity]! > 0) return bin;
    }
    return Infinity;
  }

  /** Drops all bins. */
  reset(): void {
    this.first = this.newest = -1;
  }

  #beginBin(bin: number): void {
    if (bin === this.newest) return;
    if (bin < this.newest) {
      throw new RangeError(
        `Cannot add to bin ${bin} as ${this.newest} has begun`,
      );
    }
    if (this.first < 0) this.first = bin;
    const from = Math.max(this.newest + 1, bin - this.capacity + 1, this.first);
    for (let b = from; b <= bin; b++) this.#counts[b % this.capacity] = 0;
    this.newest = bin;
  }
}

function ownArrays(dataType: DataType, capacity: number): BinArrays {
  return {
    min: new SAMPLE_ARRAYS[dataType](capacity),
    max: new SAMPLE_ARRAYS[dataType](capacity),
    sum: new Float64Array(capacity),
    counts: new Uint32Array(capacity),
  };
}

function isBig(samples: Samples): samples is BigInt64Array | BigUint64Array {
  return samples instanceof BigInt64Array || samples instanceof BigUint64Array;
}
