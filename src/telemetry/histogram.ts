// Counts values in the buckets of a Prometheus histogram, cheaply enough to be called for every message.
// Invariant: no allocation after construction; a value is counted in the first bucket whose bound it does not exceed.

/** Bounds for durations from 1 ms to one minute, in seconds. */
export const SECONDS_BOUNDS: readonly number[] = [
  0.001,
  0.002,
  0.005,
  0.01,
  0.02,
  0.035,
  0.05,
  0.075,
  0.1,
  0.2,
  0.5,
  1,
  2,
  5,
  10,
  30,
  60,
];

/** A histogram with fixed bounds. */
export class Histogram {
  /** Upper bounds, ascending. One more bucket counts the values beyond the last one. */
  readonly bounds: readonly number[];
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;
  #max = 0;

  constructor(bounds: readonly number[] = SECONDS_BOUNDS) {
    if (bounds.some((bound, i) => i > 0 && !(bound > bounds[i - 1]!))) {
      throw new RangeError(`bounds must ascend: ${bounds.join(", ")}`);
    }
    this.bounds = bounds;
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  /** Largest value so far; 0 before the first one. */
  get max(): number {
    return this.#max;
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += value;
    this.#count++;
    if (value > this.#max) this.#max = value;
  }

  /** The number of values up to each bound; the last one is the number of all values. */
  cumulative(): number[] {
    let sum = 0;
    return Array.from(this.#counts, (count) => sum += count);
  }

  /** The value that a share of all values (0.99: 99 %) does not exceed, interpolated in its bucket; NaN without values. */
  quantile(share: number): number {
    if (this.#count === 0) return NaN;
    const wanted = share * this.#count;
    let below = 0;
    for (let bucket = 0; bucket < this.bounds.length; bucket++) {
      const count = this.#counts[bucket]!;
      if (count > 0 && below + count >= wanted) {
        const low = bucket === 0 ? 0 : this.bounds[bucket - 1]!;
        const high = Math.min(this.bounds[bucket]!, this.#max);
        return low + (high - low) * (wanted - below) / count;
      }
      below += count;
    }
    return this.#max;
  }
}
