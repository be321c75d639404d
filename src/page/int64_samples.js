// 64-bit integers: a double holds 53 bits, so they are kept as integers and read as offsets from an origin.
// Invariant: an offset is exact up to 2^53, whatever the size of the integers; a larger one is rounded once.

/** Origins are multiples of it: exact as doubles, and offsets are simple arithmetic on two words. */
const WORD = 2 ** 32;
const EXACT_MAX = 2 ** 53;

/**
 * Whether a channel's samples are 64-bit integers.
 * @param {string} type
 * @returns {type is "int64" | "uint64"}
 */
export function is64Bit(type) {
  return type === "int64" || type === "uint64";
}

/**
 * An origin for 64-bit integers from which their offsets are exact. Zero where doubles hold the integers, and where they
 * are so far apart that no origin is near all of them.
 * @param {number} least offset from `origin`
 * @param {number} largest offset from `origin`
 * @param {number} origin of the offsets; it is kept while it serves
 */
export function originFor(least, largest, origin) {
  const low = least + origin;
  const high = largest + origin;
  // 2^53 may be 2^53 + 1, rounded.
  if (Math.max(Math.abs(low), Math.abs(high)) < EXACT_MAX) return 0;
  const extent = largest - least;
  if (!(extent >= 0 && extent <= EXACT_MAX)) return 0;
  const isNear = Math.max(Math.abs(least), Math.abs(largest)) <= EXACT_MAX;
  return isNear && origin !== 0 ? origin : Math.floor(low / WORD) * WORD;
}

/** An array of 64-bit integers, signed or unsigned, some of them missing. */
export class Int64Samples {
  #whole;
  /** Low word of each, then its high word, which has the sign. */
  #low;
  #high;
  #isThere;

  /**
   * @param {"int64" | "uint64"} kind
   * @param {number} capacity
   */
  constructor(kind, capacity) {
    const isSigned = kind === "int64";
    this.#whole = new (isSigned ? BigInt64Array : BigUint64Array)(capacity);
    const { buffer } = this.#whole;
    this.#low = new Uint32Array(buffer);
    this.#high = isSigned ? new Int32Array(buffer) : this.#low;
    this.#isThere = new Uint8Array(capacity);
  }

  /** @param {number} place */
  clear(place) {
    this.#isThere[place] = 0;
  }

  /**
   * Writes the samples from index `skipped` on; after the last place it continues at the first.
   * @param {number} place
   * @param {import("./qanat.d.ts").Samples} samples
   * @param {number} skipped
   */
  write(place, samples, skipped) {
    const capacity = this.#isThere.length;
    for (let i = skipped, at = place; i < samples.length; i++) {
      const value = samples[i];
      const isThere = typeof value === "bigint" || Number.isInteger(value);
      this.#isThere[at] = isThere ? 1 : 0;
      if (isThere) this.#whole[at] = BigInt(/** @type {bigint} */ (value));
      if (++at === capacity) at = 0;
    }
  }

  /**
   * Offset from an origin; NaN where there is no sample.
   * @param {number} place
   * @param {number} origin a multiple of 2^32
   */
  at(place, origin) {
    if (this.#isThere[place] === 0) return NaN;
    const high = this.#high[2 * place + 1] - origin / WORD;
    return high * WORD + this.#low[2 * place];
  }

  /** The integer; null where there is no sample. @param {number} place */
  wholeAt(place) {
    return this.#isThere[place] === 0 ? null : this.#whole[place];
  }
}
