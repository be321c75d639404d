// Welch's mean: the density of a span as the mean over overlapping pieces of it.
// Invariant: pieces with a gap or a value that is not finite are left out; a piece is computed once, and again when one
// of its samples changes.
import { Density, powerOfTwo } from "./fft.js";

const SECONDS_MAX = 8;
const SIZE_MAX = 8192;
/** Time for pieces in one picture of the screen. */
const PIECES_MS = 12;

export class WelchMean {
  #ring;
  #density;
  #samples;
  /** Natural logarithms of densities by number of piece. @type {Map<number, Float32Array>} */
  #pieces = new Map();
  #change = (/** @type {number} */ from, /** @type {number} */ to) => {
    const half = this.#samples.length / 2;
    for (const k of this.#pieces.keys()) {
      if (k * half < to && k * half + 2 * half > from) this.#pieces.delete(k);
    }
  };

  /** @param {import("./samples.js").SampleRing} ring */
  constructor(ring) {
    const { rate } = ring;
    const size = Math.min(SIZE_MAX, Math.max(16, powerOfTwo(rate)));
    this.#ring = ring;
    this.#density = new Density(size, rate);
    this.#samples = new Float64Array(size);
    ring.onChange.push(this.#change);
  }

  close() {
    const { onChange } = this.#ring;
    const at = onChange.indexOf(this.#change);
    if (at >= 0) onChange.splice(at, 1);
  }

  get bins() {
    return this.#density.bins;
  }

  get hertzPerBin() {
    return this.#density.hertzPerBin;
  }

  get pieceS() {
    return this.#density.size / this.#ring.rate;
  }

  /**
   * The mean over the newest seconds of a span, as natural logarithms of densities.
   * @param {number} fromS
   * @param {number} toS
   * @returns {{ mean: Float64Array, count: number, isWhole: boolean }} count: pieces in the mean; isWhole: false while
   *   some are still to be computed
   */
  of(fromS, toS) {
    const ring = this.#ring;
    const { size, bins } = this.#density;
    const begun = performance.now();
    const half = size / 2;
    const last = Math.floor(
      (Math.min(toS * ring.rate, ring.end) - size) / half,
    );
    const from = Math.max(fromS, toS - SECONDS_MAX) * ring.rate;
    const first = Math.min(Math.ceil(from / half), last);
    const mean = new Float64Array(bins);
    let count = 0;
    let isWhole = true;
    for (const k of this.#pieces.keys()) if (k < first) this.#pieces.delete(k);
    for (let k = last; k >= first; k--) {
      if (!this.#pieces.has(k) && performance.now() - begun > PIECES_MS) {
        isWhole = false;
        break;
      }
      const piece = this.#piece(k);
      if (!piece) continue;
      // Sums of logarithms: the densities of extreme samples overflow.
      for (let i = 0; i < bins; i++) {
        mean[i] = count === 0 ? piece[i] : logOfSum(mean[i], piece[i]);
      }
      count++;
    }
    for (let i = 0; i < bins; i++) mean[i] -= Math.log(count);
    return { mean, count, isWhole };
  }

  /** Piece k; null where samples are missing or not finite. @param {number} k */
  #piece(k) {
    const known = this.#pieces.get(k);
    if (known) return known;
    const samples = this.#samples;
    if (!this.#ring.copy(k * samples.length / 2, samples)) return null;
    const power = this.#density.of(samples);
    const shift = this.#density.decibels * Math.LN10 / 10;
    let piece = Float32Array.from(power, (p) => Math.log(p));
    if (shift !== 0) piece = piece.map((p) => p + shift);
    this.#pieces.set(k, piece);
    return piece;
  }
}

/**
 * Logarithm of the sum of two numbers whose logarithms are given.
 * @param {number} a
 * @param {number} b
 */
function logOfSum(a, b) {
  const most = Math.max(a, b);
  return most === -Infinity
    ? most
    : most + Math.log1p(Math.exp(-Math.abs(a - b)));
}
