// What the plot of a channel shows, as columns: the least and the largest sample of each, and the spans without data.
// Invariant: its memory depends neither on the sample rate nor on how long it runs.

/** @typedef {{ fromS: number, toS: number, reason: string }} Span times in seconds since the plot's origin */

/** Columns of the time that is shown. */
export const COLUMNS = 1500;
/** Of the time that is shown, so much is kept: rows come before the time at the right edge. */
const KEPT = 1.5;
const GAPS_MAX = 500;
/** Why samples that have come are not drawn. */
export const NOT_FINITE = "null or not finite";

export class Columns {
  /** Spans without data. @type {Span[]} */
  gaps = [];
  /** End of the newest data, s; before the first, -Infinity. */
  endS = -Infinity;
  /** Of the newest row or bin, s. */
  strideS = 0;
  /** Time between two samples, s. */
  #stepS = 0;
  #columnS;
  /** Which column is in a slot: its number since the origin. */
  #numbers = new Float64Array(COLUMNS * KEPT).fill(NaN);
  #low = new Float64Array(COLUMNS * KEPT);
  #high = new Float64Array(COLUMNS * KEPT);

  /** @param {number} spanS the time that is shown, s */
  constructor(spanS) {
    this.#columnS = spanS / COLUMNS;
  }

  /**
   * Takes the samples of a row.
   * @param {number} fromS
   * @param {number} strideS
   * @param {ArrayLike<number | bigint | null>} samples
   */
  putSamples(fromS, strideS, samples) {
    if (samples.length === 0) return;
    this.strideS = strideS;
    this.#stepS = strideS / samples.length;
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i];
      const value = sample === null ? NaN : Number(sample);
      const timeS = fromS + i * this.#stepS;
      if (Number.isFinite(value)) this.#put(timeS, value, value);
      else this.#add(timeS, timeS + this.#stepS, NOT_FINITE);
    }
    this.endS = Math.max(this.endS, fromS + strideS);
  }

  /**
   * Takes the bin of a trend.
   * @param {number} fromS
   * @param {number} strideS
   * @param {{ min: number | bigint | null, max: number | bigint | null }} bin
   */
  putBin(fromS, strideS, { min, max }) {
    this.strideS = this.#stepS = strideS;
    this.endS = Math.max(this.endS, fromS + strideS);
    if (min === null || max === null) {
      return this.#add(fromS, fromS + strideS, NOT_FINITE);
    }
    this.#put(fromS + strideS / 2, Number(min), Number(max));
  }

  /** @param {Span} gap */
  addGap({ fromS, toS, reason }) {
    this.endS = Math.max(this.endS, toS);
    this.#add(fromS, toS, reason);
  }

  /**
   * Calls `visit` for each column that has samples, in order of time.
   * @param {number} fromS
   * @param {number} toS
   * @param {(timeS: number, low: number, high: number) => void} visit timeS: the middle of the column
   */
  forEach(fromS, toS, visit) {
    const last = Math.floor(toS / this.#columnS);
    for (let k = Math.floor(fromS / this.#columnS); k <= last; k++) {
      const slot = this.#slotOf(k);
      if (this.#numbers[slot] !== k) continue;
      visit((k + 0.5) * this.#columnS, this.#low[slot], this.#high[slot]);
    }
  }

  /** Whether a line joins two columns that follow each other: no sample is missing between their middles. @param {number} apartS */
  isJoined(apartS) {
    return apartS <= this.#stepS + 2 * this.#columnS;
  }

  /**
   * @param {number} timeS
   * @param {number} low
   * @param {number} high
   */
  #put(timeS, low, high) {
    const k = Math.floor(timeS / this.#columnS);
    const slot = this.#slotOf(k);
    if (this.#numbers[slot] === k) {
      if (low < this.#low[slot]) this.#low[slot] = low;
      if (high > this.#high[slot]) this.#high[slot] = high;
    } else if (!(this.#numbers[slot] > k)) {
      // What is there is older, or there is nothing.
      this.#numbers[slot] = k;
      this.#low[slot] = low;
      this.#high[slot] = high;
    }
  }

  /** @param {number} k */
  #slotOf(k) {
    const size = this.#numbers.length;
    return ((k % size) + size) % size;
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} reason
   */
  #add(fromS, toS, reason) {
    const last = this.gaps.at(-1);
    if (last?.reason === reason && Math.abs(last.toS - fromS) < 1e-6) {
      last.toS = toS;
    } else if (!this.gaps.some((g) => g.fromS <= fromS && g.toS >= toS)) {
      this.gaps.push({ fromS, toS, reason });
    }
    const oldestS = this.endS - this.#columnS * this.#numbers.length;
    while (this.gaps.length > GAPS_MAX || this.gaps[0]?.toS < oldestS) {
      this.gaps.shift();
    }
  }
}
