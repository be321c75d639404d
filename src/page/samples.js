// Samples of one channel around the time that is shown, and their envelope a pixel.
// Invariant: what is not there is NaN; an envelope's bin is the least and largest of all its samples, none left out.

/** A ring of samples, by sample number since the GPS epoch. */
export class SampleRing {
  /** Number behind the newest sample; what is older than end - capacity is gone. */
  end = 0;
  /** @type {((from: number, to: number) => void)[]} */
  onChange = [];

  /**
   * @param {{ rate: number, seconds: number, isWide: boolean }} options isWide: more than a float32 holds
   */
  constructor({ rate, seconds, isWide }) {
    this.rate = rate;
    this.capacity = Math.max(16, Math.ceil(rate * seconds));
    const Kind = isWide ? Float64Array : Float32Array;
    this.values = new Kind(this.capacity).fill(NaN);
  }

  /** Time behind the newest sample, GPS s; 0 when there is none. */
  get endS() {
    return this.end / this.rate;
  }

  /**
   * Puts samples in their place; newer ones push the oldest out.
   * @param {number} first
   * @param {import("./qanat.d.ts").Samples} samples
   */
  put(first, samples) {
    const { capacity, values } = this;
    const end = first + samples.length;
    if (end > this.end) {
      // Numbers that were skipped hold what was there a round ago.
      const from = Math.max(this.end, end - capacity);
      for (let i = from; i < first; i++) values[i % capacity] = NaN;
      this.end = end;
    }
    const oldest = this.end - capacity;
    const skipped = Math.max(0, oldest - first);
    if (skipped >= samples.length) return;
    if (samples instanceof BigInt64Array) {
      for (let i = skipped; i < samples.length; i++) {
        values[(first + i) % capacity] = Number(samples[i]);
      }
    } else {
      const part = skipped > 0 ? samples.subarray(skipped) : samples;
      const at = (first + skipped) % capacity;
      const room = capacity - at;
      values.set(part.length > room ? part.subarray(0, room) : part, at);
      if (part.length > room) values.set(part.subarray(room), 0);
    }
    for (const tell of this.onChange) tell(first + skipped, end);
  }

  /** @param {number} index */
  at(index) {
    if (index >= this.end || index < this.end - this.capacity) return NaN;
    return this.values[index % this.capacity];
  }

  /**
   * Copies samples from `first` on; says whether all are there and finite.
   * @param {number} first
   * @param {Float64Array} out
   */
  copy(first, out) {
    const { capacity, values, end } = this;
    if (first < end - capacity || first + out.length > end) return false;
    for (let i = 0, at = first % capacity; i < out.length; i++) {
      const value = values[at];
      if (!isFinite(value)) return false;
      out[i] = value;
      if (++at === capacity) at = 0;
    }
    return true;
  }

  /**
   * Least and largest of the samples from `from` to `to`; null when there is none.
   * @param {number} from
   * @param {number} to
   */
  extremes(from, to) {
    const { capacity, values } = this;
    let min = Infinity;
    let max = -Infinity;
    const first = Math.max(from, this.end - capacity, 0);
    const last = Math.min(to, this.end);
    for (let i = first, at = first % capacity; i < last; i++) {
      const value = values[at];
      if (value < min) min = value;
      if (value > max) max = value;
      if (++at === capacity) at = 0;
    }
    return min > max ? null : { min, max };
  }
}

/**
 * Least and largest of the finite samples from `from` to `to`; null when there is none.
 * @param {SampleRing} ring
 * @param {number} from
 * @param {number} to
 */
export function finiteExtremes(ring, from, to) {
  let min = Infinity;
  let max = -Infinity;
  const last = Math.min(to, ring.end);
  for (let i = Math.max(from, ring.end - ring.capacity, 0); i < last; i++) {
    const value = ring.at(i);
    if (!isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min > max ? null : { min, max };
}

const STALE = 0;
const EMPTY = 1;
const FULL = 2;

/** Least and largest sample of each pixel's time. Bin k is the time from k / binsPerS to (k + 1) / binsPerS. */
export class Envelope {
  binsPerS = 0;
  #capacity = 0;
  #bins = new Float64Array(0);
  #min = new Float64Array(0);
  #max = new Float64Array(0);
  #finiteMin = new Float64Array(0);
  #finiteMax = new Float64Array(0);
  #state = new Uint8Array(0);
  /** Whether a bin's column was painted since its samples last changed; kept by who paints. */
  painted = new Uint8Array(0);
  #ring;
  #change = (/** @type {number} */ from, /** @type {number} */ to) =>
    this.#forget(from, to);

  /** @param {SampleRing} ring */
  constructor(ring) {
    this.#ring = ring;
    ring.onChange.push(this.#change);
  }

  close() {
    const { onChange } = this.#ring;
    const at = onChange.indexOf(this.#change);
    if (at >= 0) onChange.splice(at, 1);
  }

  /**
   * Chooses the grid; nothing happens when it is the same.
   * @param {number} binsPerS
   * @param {number} bins that are seen at once
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

  /**
   * The place of bin k in min and max, made when it is not there; -1 when it has no sample.
   * @param {number} k
   */
  place(k) {
    const at = k % this.#capacity;
    if (this.#bins[at] !== k || this.#state[at] === STALE) {
      const perBin = this.#ring.rate / this.binsPerS;
      const from = Math.ceil(k * perBin - 1e-6);
      const to = Math.ceil((k + 1) * perBin - 1e-6);
      const found = this.#ring.extremes(from, to);
      this.#bins[at] = k;
      this.painted[at] = 0;
      // Columns meet their left neighbours.
      this.painted[(k + 1) % this.#capacity] = 0;
      this.#state[at] = found ? FULL : EMPTY;
      if (found) {
        this.#min[at] = found.min;
        this.#max[at] = found.max;
        const isFinite = found.min > -Infinity && found.max < Infinity;
        const finite = isFinite ? found : finiteExtremes(this.#ring, from, to);
        this.#finiteMin[at] = finite?.min ?? NaN;
        this.#finiteMax[at] = finite?.max ?? NaN;
      }
    }
    return this.#state[at] === FULL ? at : -1;
  }

  get min() {
    return this.#min;
  }

  get max() {
    return this.#max;
  }

  /** Of a bin's finite samples; NaN where there is none. */
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
