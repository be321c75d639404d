// The average over overlapping segments of samples: mean, median, or exponential mean.
// Invariant: a segment is computed once, and again when one of its samples changes; segments with missing samples are left
// out and counted. Work stops when its time is over and continues at the next call.

/** Time for segments and their average in one picture of the screen. */
const WORK_MS = 8;
/** The clock is read each time so many values have been averaged. */
const CHUNK = 4096;
/** An exponential mean begins again where more than so many times its segments are missing. */
const RESTART = 4;

/**
 * Values of one segment, in parts of equal length.
 * @typedef {object} Segment
 * @property {Float64Array} values part after part
 * @property {Float64Array} exponents the values of a part are too large by 2 to this power
 */
/**
 * @typedef {object} Average
 * @property {Segment | null} segment null before the first
 * @property {number} count segments in it
 * @property {number} left segments among them that were left out
 * @property {boolean} isWhole false while some are still to be computed
 */

export class SegmentAverage {
  /** Grows with each new average. */
  version = 0;
  #parts;
  #bins;
  #average;
  #averages;
  #compute;
  #clock;
  /** By number; null where samples are missing. @type {Map<number, Segment | null>} */
  #segments = new Map();
  /** @type {Segment[]} */
  #free = [];
  /** @type {Segment} */
  #result;
  /** @type {Segment} */
  #next;
  #count = 0;
  #left = 0;
  /** Names the segments that the result, or the one that is being made, is of. */
  #madeKey = "";
  #nextKey = "";
  /** How many of its values are made. */
  #nextAt = 0;
  /** The last segment of an exponential mean; NaN before the first. */
  #foldedTo = NaN;
  #foldedCount = 0;
  #changes = 0;

  /**
   * @param {object} options
   * @param {number} options.parts
   * @param {number} options.bins values of a part
   * @param {"mean" | "median" | "exponential"} options.average
   * @param {number} options.averages segments; of an exponential mean, the inverse of the weight of the newest
   * @param {(k: number, segment: Segment) => boolean} options.compute fills segment k; false where samples are missing
   * @param {() => number} [options.clock] ms
   */
  constructor(
    {
      parts,
      bins,
      average,
      averages,
      compute,
      clock = () => performance.now(),
    },
  ) {
    this.#parts = parts;
    this.#bins = bins;
    this.#average = average;
    this.#averages = averages;
    this.#compute = compute;
    this.#clock = clock;
    this.#result = this.#blank();
    this.#next = this.#blank();
  }

  /** Segments from `from` to `to` are computed again. @param {number} from @param {number} to */
  forget(from, to) {
    for (const k of this.#segments.keys()) {
      if (k >= from && k <= to) this.#drop(k);
    }
    if (from <= this.#foldedTo && to > this.#foldedTo - this.#averages) {
      this.#foldedTo = NaN;
    }
    this.#changes++;
  }

  /**
   * The average of segments `first` to `last`. An exponential mean contains those before them, too, as far as it has been
   * continued from them.
   * @param {number} first
   * @param {number} last
   * @returns {Average}
   */
  of(first, last) {
    const endMs = this.#clock() + WORK_MS;
    const isWhole = this.#average === "exponential"
      ? this.#fold(first, last, endMs)
      : this.#computeAll(first, last, endMs) &&
        this.#combine(first, last, endMs);
    const segment = this.#count > 0 ? this.#result : null;
    return { segment, count: this.#count, left: this.#left, isWhole };
  }

  /** @returns {Segment} */
  #blank() {
    return this.#free.pop() ?? {
      values: new Float64Array(this.#parts * this.#bins),
      exponents: new Float64Array(this.#parts),
    };
  }

  /** @param {number} k */
  #drop(k) {
    const segment = this.#segments.get(k);
    if (segment) this.#free.push(segment);
    this.#segments.delete(k);
  }

  /**
   * Computes the segments that are missing, the newest first; returns whether all are there.
   * @param {number} first
   * @param {number} last
   * @param {number} endMs
   */
  #computeAll(first, last, endMs) {
    for (const k of this.#segments.keys()) {
      if (k < first || k > last) this.#drop(k);
    }
    let isFirst = true;
    for (let k = last; k >= first; k--) {
      if (this.#segments.has(k)) continue;
      if (!isFirst && this.#clock() > endMs) return false;
      isFirst = false;
      const segment = this.#blank();
      const isThere = this.#compute(k, segment);
      if (!isThere) this.#free.push(segment);
      this.#segments.set(k, isThere ? segment : null);
      this.#changes++;
    }
    return true;
  }

  /**
   * Averages the segments; returns whether that is done.
   * @param {number} first
   * @param {number} last
   * @param {number} endMs
   */
  #combine(first, last, endMs) {
    const key = `${first} ${last} ${this.#changes}`;
    if (key === this.#madeKey) return true;
    const { some, left } = this.#there(first, last);
    if (key !== this.#nextKey) {
      this.#nextKey = key;
      this.#nextAt = 0;
      const { exponents } = this.#next;
      for (let p = 0; p < this.#parts; p++) {
        exponents[p] = Math.min(...some.map((s) => s.exponents[p]));
      }
    }
    const length = some.length === 0 ? 0 : this.#next.values.length;
    while (this.#nextAt < length) {
      const to = Math.min(this.#nextAt + CHUNK, length);
      if (this.#average === "median") this.#medianOf(some, this.#nextAt, to);
      else this.#meanOf(some, this.#nextAt, to);
      this.#nextAt = to;
      if (to < length && this.#clock() > endMs) return false;
    }
    [this.#result, this.#next] = [this.#next, this.#result];
    this.#madeKey = key;
    this.#nextKey = "";
    this.#count = some.length;
    this.#left = left;
    this.version++;
    return true;
  }

  /**
   * Segments without missing samples. Those before the first of them have not come yet: they are not counted as left out.
   * @param {number} first
   * @param {number} last
   */
  #there(first, last) {
    /** @type {Segment[]} */
    const some = [];
    let left = 0;
    for (let k = first; k <= last; k++) {
      const segment = this.#segments.get(k);
      if (segment) some.push(segment);
      else if (some.length > 0) left++;
    }
    return { some, left };
  }

  /**
   * @param {Segment[]} some
   * @param {number} from
   * @param {number} to
   */
  #meanOf(some, from, to) {
    const { values, exponents } = this.#next;
    values.fill(0, from, to);
    for (const segment of some) {
      for (let i = from; i < to;) {
        const part = Math.floor(i / this.#bins);
        const end = Math.min(to, (part + 1) * this.#bins);
        const weight = 2 ** (exponents[part] - segment.exponents[part]) /
          some.length;
        for (; i < end; i++) values[i] += segment.values[i] * weight;
      }
    }
  }

  /**
   * The median, without the bias that it has for noise: as scipy.signal.welch(average="median").
   * @param {Segment[]} some
   * @param {number} from
   * @param {number} to
   */
  #medianOf(some, from, to) {
    const { values, exponents } = this.#next;
    const n = some.length;
    const sorted = new Float64Array(n);
    const factor = 1 / medianBias(n);
    const middle = n >> 1;
    for (let i = from; i < to; i++) {
      const part = Math.floor(i / this.#bins);
      for (let s = 0; s < n; s++) {
        const by = exponents[part] - some[s].exponents[part];
        sorted[s] = some[s].values[i] * (by === 0 ? 1 : 2 ** by);
      }
      sorted.sort();
      values[i] = factor *
        (n % 2 === 1
          ? sorted[middle]
          : (sorted[middle - 1] + sorted[middle]) / 2);
    }
  }

  /**
   * Takes the segments that the exponential mean does not have yet, the oldest first; returns whether it has all.
   * @param {number} first
   * @param {number} last
   * @param {number} endMs
   */
  #fold(first, last, endMs) {
    const isOn = this.#foldedTo <= last &&
      last - this.#foldedTo <= RESTART * this.#averages;
    if (!isOn) {
      this.#foldedTo = first - 1;
      this.#foldedCount = this.#left = 0;
    }
    while (this.#foldedTo < last) {
      const k = ++this.#foldedTo;
      if (this.#compute(k, this.#next)) {
        this.#foldedCount++;
        this.#foldIn(1 / Math.min(this.#foldedCount, this.#averages));
        this.#count = Math.min(this.#foldedCount, this.#averages);
        this.version++;
      } else if (this.#foldedCount > 0) this.#left++;
      if (this.#foldedTo < last && this.#clock() > endMs) return false;
    }
    return true;
  }

  /** Adds the next segment to the result with a weight; all others have the rest. @param {number} weight */
  #foldIn(weight) {
    const from = this.#next;
    const to = this.#result;
    for (let p = 0; p < this.#parts; p++) {
      const before = weight === 1 ? Infinity : to.exponents[p];
      const exponent = Math.min(before, from.exponents[p]);
      const kept = weight === 1
        ? 0
        : (1 - weight) * 2 ** (exponent - to.exponents[p]);
      const added = weight * 2 ** (exponent - from.exponents[p]);
      to.exponents[p] = exponent;
      for (let i = p * this.#bins; i < (p + 1) * this.#bins; i++) {
        const old = kept === 0 ? 0 : kept * to.values[i];
        to.values[i] = old + added * from.values[i];
      }
    }
  }
}

/** The median of n densities of noise, as a share of their mean. @param {number} n */
function medianBias(n) {
  let sum = 1;
  for (let i = 2; i < n; i += 2) sum += 1 / (i + 1) - 1 / i;
  return sum;
}
