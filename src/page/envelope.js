// The envelope of one channel's samples: the least and the largest sample of each pixel's time.
// Invariant: the two values of a bin are taken over all of its samples.
import { finiteExtremes } from "./samples.js";

/** @typedef {import("./samples.js").SampleRing} SampleRing */

const STALE = 0;
const EMPTY = 1;
const FULL = 2;

/** Bin k covers the time from k / binsPerS to (k + 1) / binsPerS. */
export class Envelope {
  binsPerS = 0;
  /** Subtracted from all samples. */
  #origin = 0;
  #capacity = 0;
  #bins = new Float64Array(0);
  #min = new Float64Array(0);
  #max = new Float64Array(0);
  #finiteMin = new Float64Array(0);
  #finiteMax = new Float64Array(0);
  #state = new Uint8Array(0);
  /** Whether a bin's column was painted after its samples last changed; the plot sets it. */
  painted = new Uint8Array(0);
  #ring;
  /** Ends what follows the ring. */
  close;

  /** @param {SampleRing} ring */
  constructor(ring) {
    this.#ring = ring;
    this.close = ring.listen((from, to) => this.#forget(from, to));
  }

  /**
   * Sets the grid; does nothing when it is the same.
   * @param {number} binsPerS
   * @param {number} bins that are on the screen at once
   */
  setGrid(binsPerS, bins) {
    const capacity = bins + 16;
    if (binsPerS === this.binsPerS && capacity === this.#capacity) return;
    this.binsPerS = binsPerS;
    this.#capacity = capacity;
    this.#bins = new Float64Array(capacity).fill(-1);
    this.#min = new Float64Array(capacity);
    this.#max = new Float64Array(capacity);
    this.#finiteMin = new Float64Array(capacity);
    this.#finiteMax = new Float64Array(capacity);
    this.#state = new Uint8Array(capacity);
    this.painted = new Uint8Array(capacity);
  }

  get capacity() {
    return this.#capacity;
  }

  get origin() {
    return this.#origin;
  }

  /** Sets what is subtracted from all samples; does nothing when it is the same. @param {number} origin */
  setOrigin(origin) {
    if (origin === this.#origin) return;
    this.#origin = origin;
    this.#state.fill(STALE);
    this.painted.fill(0);
  }

  /**
   * The index of bin k in min and max, which it fills if necessary; -1 when the bin has no sample.
   * @param {number} k
   */
  place(k) {
    const at = k % this.#capacity;
    if (this.#bins[at] !== k || this.#state[at] === STALE) {
      const { from, to } = this.#samplesOf(k);
      const found = this.#ring.extremes(from, to, this.#origin);
      this.#bins[at] = k;
      this.painted[at] = 0;
      // A column is painted up to its left neighbour.
      this.painted[(k + 1) % this.#capacity] = 0;
      this.#state[at] = found ? FULL : EMPTY;
      if (found) {
        this.#min[at] = found.min;
        this.#max[at] = found.max;
        const isFinite = found.min > -Infinity && found.max < Infinity;
        const finite = isFinite
          ? found
          : finiteExtremes(this.#ring, from, to, this.#origin);
        this.#finiteMin[at] = finite?.min ?? NaN;
        this.#finiteMax[at] = finite?.max ?? NaN;
      }
    }
    return this.#state[at] === FULL ? at : -1;
  }

  /** Whether bin k has samples and none of them is finite. @param {number} k */
  isHole(k) {
    const at = this.place(k);
    if (at >= 0) return Number.isNaN(this.#finiteMin[at]);
    const { from, to } = this.#samplesOf(k);
    return from < to && this.#ring.hasCome(from, to);
  }

  /** Numbers of the samples of bin k. @param {number} k */
  #samplesOf(k) {
    const perBin = this.#ring.rate / this.binsPerS;
    return {
      from: Math.ceil(k * perBin - 1e-6),
      to: Math.ceil((k + 1) * perBin - 1e-6),
    };
  }

  get min() {
    return this.#min;
  }

  get max() {
    return this.#max;
  }

  /** Least finite sample of a bin; NaN where there is none. */
  get finiteMin() {
    return this.#finiteMin;
  }

  get finiteMax() {
    return this.#finiteMax;
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #forget(from, to) {
    if (this.#capacity === 0) return;
    const perBin = this.#ring.rate / this.binsPerS;
    const last = Math.floor(to / perBin);
    const first = Math.max(Math.floor(from / perBin), last - this.#capacity);
    for (let k = first; k <= last; k++) {
      const at = k % this.#capacity;
      if (this.#bins[at] === k) this.#state[at] = STALE;
    }
  }
}
