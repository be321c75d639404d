// Samples of one channel around the time that is shown.
// Invariant: a missing sample reads as NaN. 64-bit integers are read as offsets from an origin that the caller chooses, so
// that their differences are exact.
import { Int64Samples, is64Bit, originFor } from "./int64_samples.js";
import { Spans } from "./spans.js";

/** A ring of samples, by sample number since the GPS epoch. */
export class SampleRing {
  /** Number after the newest sample; samples before end - capacity are overwritten. */
  end = 0;
  /** @type {((from: number, to: number) => void)[]} */
  onChange = [];
  /** Which samples were put, whatever their values are. */
  #come = new Spans();
  #values;
  /** Used instead of the values where samples are 64-bit integers. */
  #integers;

  /**
   * @param {{ rate: number, seconds: number, kind: "float32" | "float64" | "int64" | "uint64" }} options kind: what holds the samples
   */
  constructor({ rate, seconds, kind }) {
    this.rate = rate;
    this.capacity = Math.max(16, Math.ceil(rate * seconds));
    this.#integers = is64Bit(kind)
      ? new Int64Samples(kind, this.capacity)
      : null;
    const Kind = kind === "float32" ? Float32Array : Float64Array;
    this.#values = new Kind(this.#integers ? 0 : this.capacity).fill(NaN);
  }

  /** Whether its samples are 64-bit integers, which are read as offsets from an origin. */
  get is64Bit() {
    return this.#integers !== null;
  }

  /** End of the newest sample, GPS s; 0 when there is none. */
  get endS() {
    return this.end / this.rate;
  }

  /** Number of the newest sample, or of the bin, at a time; times are rounded. @param {number} gpsS */
  numberAt(gpsS) {
    return Math.floor(gpsS * this.rate + 1e-3);
  }

  /**
   * Calls with the first number and the one after the last when samples change; returns a function that ends it.
   * @param {(from: number, to: number) => void} report
   */
  listen(report) {
    this.onChange.push(report);
    return () => {
      this.onChange = this.onChange.filter((other) => other !== report);
    };
  }

  /**
   * Stores samples; new ones overwrite the oldest.
   * @param {number} first
   * @param {import("./qanat.d.ts").Samples} samples
   */
  put(first, samples) {
    const { capacity } = this;
    const end = first + samples.length;
    if (end > this.end) {
      // Places that were skipped hold samples of the round before.
      const from = Math.max(this.end, end - capacity);
      for (let i = from; i < first; i++) this.#clear(i % capacity);
      this.end = end;
    }
    const oldest = this.end - capacity;
    const skipped = Math.max(0, oldest - first);
    this.#come.trim(oldest);
    if (skipped >= samples.length) return;
    this.#come.add(first + skipped, end);
    this.#write((first + skipped) % capacity, samples, skipped);
    for (const report of this.onChange) report(first + skipped, end);
  }

  /** @param {number} place */
  #clear(place) {
    if (this.#integers) this.#integers.clear(place);
    else this.#values[place] = NaN;
  }

  /**
   * @param {number} place
   * @param {import("./qanat.d.ts").Samples} samples
   * @param {number} skipped how many of them are too old
   */
  #write(place, samples, skipped) {
    if (this.#integers) return this.#integers.write(place, samples, skipped);
    const values = this.#values;
    if (
      samples instanceof BigInt64Array || samples instanceof BigUint64Array ||
      !("subarray" in samples)
    ) {
      for (let i = skipped; i < samples.length; i++) {
        const value = samples[i];
        const at = (place + i - skipped) % this.capacity;
        values[at] = value === null ? NaN : Number(value);
      }
      return;
    }
    const part = skipped > 0 ? samples.subarray(skipped) : samples;
    const room = this.capacity - place;
    values.set(part.length > room ? part.subarray(0, room) : part, place);
    if (part.length > room) values.set(part.subarray(room), 0);
  }

  /**
   * Whether all samples from `from` to `to` have come: if so, those that are NaN were sent as such.
   * @param {number} from
   * @param {number} to
   */
  hasCome(from, to) {
    return this.#come.has(from, to);
  }

  /**
   * Numbers from `from` to `to` that have not come, as spans in order.
   * @param {number} from
   * @param {number} to after the last
   */
  missing(from, to) {
    const holes = [];
    let at = from;
    for (const span of this.#come.within(from, to)) {
      if (span.from > at) holes.push({ from: at, to: span.from });
      at = span.to;
    }
    if (at < to) holes.push({ from: at, to });
    return holes;
  }

  /**
   * Puts what another ring of the same channel has between two times.
   * @param {SampleRing} other
   * @param {number} fromS
   * @param {number} toS
   */
  takeFrom(other, fromS, toS) {
    const from = Math.ceil(Math.max(fromS * this.rate, 0));
    const to = Math.min(Math.ceil(toS * this.rate), other.end);
    for (const span of other.#come.within(from, to)) {
      for (let at = span.from; at < span.to;) {
        const place = at % other.capacity;
        const end = place + Math.min(span.to - at, other.capacity - place);
        this.put(at, other.#stored(place, end));
        at += end - place;
      }
    }
  }

  /** @param {number} place @param {number} end @returns {import("./qanat.d.ts").Samples} */
  #stored(place, end) {
    const integers = this.#integers;
    return integers
      ? Array.from(
        { length: end - place },
        (_, i) => integers.wholeAt(place + i),
      )
      : this.#values.subarray(place, end);
  }

  /**
   * @param {number} index
   * @param {number} [origin] subtracted from the sample
   */
  at(index, origin = 0) {
    if (index >= this.end || index < this.end - this.capacity) return NaN;
    const place = index % this.capacity;
    return this.#integers
      ? this.#integers.at(place, origin)
      : this.#values[place] - origin;
  }

  /**
   * Copies samples from `first` on; returns whether all are there and finite. Copies 64-bit integers less an origin: a
   * spectrum needs only their differences.
   * @param {number} first
   * @param {Float64Array} out
   */
  copy(first, out) {
    const { capacity, end } = this;
    if (first < end - capacity || first + out.length > end) return false;
    const integers = this.#integers;
    const values = this.#values;
    let at = first % capacity;
    const one = integers ? integers.at(at, 0) : 0;
    const origin = originFor(one, one, 0);
    for (let i = 0; i < out.length; i++) {
      const value = integers ? integers.at(at, origin) : values[at];
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
   * @param {number} [origin] subtracted from the samples
   */
  extremes(from, to, origin = 0) {
    const { capacity } = this;
    const integers = this.#integers;
    const values = this.#values;
    let min = Infinity;
    let max = -Infinity;
    const first = Math.max(from, this.end - capacity, 0);
    const last = Math.min(to, this.end);
    for (let i = first, at = first % capacity; i < last; i++) {
      const value = integers ? integers.at(at, origin) : values[at];
      if (value < min) min = value;
      if (value > max) max = value;
      if (++at === capacity) at = 0;
    }
    if (min > max) return null;
    return integers ? { min, max } : { min: min - origin, max: max - origin };
  }

  /**
   * Least and largest with all their digits: bigints where samples are 64-bit integers.
   * @param {number} from
   * @param {number} to
   * @returns {{ min: number | bigint, max: number | bigint } | null}
   */
  exactExtremes(from, to) {
    if (!this.#integers) return this.extremes(from, to);
    /** @type {{ min: bigint, max: bigint } | null} */
    let found = null;
    const last = Math.min(to, this.end);
    for (let i = Math.max(from, this.end - this.capacity, 0); i < last; i++) {
      const value = this.#integers.wholeAt(i % this.capacity);
      if (value === null) continue;
      found ??= { min: value, max: value };
      if (value < found.min) found.min = value;
      if (value > found.max) found.max = value;
    }
    return found;
  }
}

/**
 * Least and largest of the finite samples from `from` to `to`; null when there is none.
 * @param {SampleRing} ring
 * @param {number} from
 * @param {number} to
 * @param {number} [origin] subtracted from the samples
 */
export function finiteExtremes(ring, from, to, origin = 0) {
  let min = Infinity;
  let max = -Infinity;
  const last = Math.min(to, ring.end);
  for (let i = Math.max(from, ring.end - ring.capacity, 0); i < last; i++) {
    const value = ring.at(i, origin);
    if (!isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min > max ? null : { min, max };
}
