// Fourier transforms and spectral densities of windowed samples, by the fourier-transform package.
// Invariant: a density is one-sided, per Hz, of the windowed samples without their mean, as scipy.signal.welch() has it.
import { fft } from "fourier-transform";
import { windowOf } from "./spectral_windows.js";

/**
 * @typedef {object} TransformOptions
 * @property {number} size how many samples
 * @property {number} rate Hz
 * @property {number} [length] a power of two; zeros after the samples fill it up
 * @property {import("./spectral_windows.js").WindowName} [window]
 */

/** Transforms of one size, from 0 Hz to half of the rate. */
export class Transform {
  re;
  im;
  /** The samples of the last of() were multiplied by 2 to this power, as very large and very small ones have to be. */
  exponent = 0;
  /** Density of the sum of squares of `re` and `im`: see densityAt(). */
  #factor;
  #window;
  #scaled;

  /** @param {TransformOptions} options */
  constructor({ size, rate, length = size, window = "hann" }) {
    this.size = size;
    this.length = length;
    this.bins = length / 2 + 1;
    this.hertzPerBin = rate / length;
    this.re = new Float64Array(this.bins);
    this.im = new Float64Array(this.bins);
    this.#window = windowOf(window, size);
    this.#scaled = new Float64Array(length);
    let sum = 0;
    for (const w of this.#window) sum += w * w;
    this.#factor = 2 / (rate * sum);
  }

  /** Transforms samples; `re` and `im` hold the result until the next call. @param {Float64Array} samples */
  of(samples) {
    const { size } = this;
    const window = this.#window;
    const scaled = this.#scaled;
    this.exponent = exponentOf(samples);
    const unit = 2 ** this.exponent;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += samples[i] * unit;
    const mean = sum / size;
    for (let i = 0; i < size; i++) {
      scaled[i] = (samples[i] * unit - mean) * window[i];
    }
    fft(scaled, [this.re, this.im]);
  }

  /** What makes a product of two values of bin k a one-sided density per Hz. @param {number} k */
  factorAt(k) {
    return k === 0 || k === this.bins - 1 ? this.#factor / 2 : this.#factor;
  }
}

/** Power spectral densities of one size. */
export class Density {
  /** Add it to the densities of the last of(), in dB of power. */
  decibels = 0;
  #transform;
  #power;

  /** @param {TransformOptions} options */
  constructor(options) {
    this.#transform = new Transform(options);
    this.size = options.size;
    this.bins = this.#transform.bins;
    this.hertzPerBin = this.#transform.hertzPerBin;
    this.#power = new Float64Array(this.bins);
  }

  /**
   * Densities at k × hertzPerBin; the next call reuses the array.
   * @param {Float64Array} samples
   */
  of(samples) {
    const transform = this.#transform;
    transform.of(samples);
    const { re, im } = transform;
    for (let k = 0; k < this.bins; k++) {
      this.#power[k] = (re[k] * re[k] + im[k] * im[k]) * transform.factorAt(k);
    }
    this.decibels = -20 * Math.log10(2) * transform.exponent;
    return this.#power;
  }
}

/**
 * A power of two for the samples, so that their squares neither overflow nor become zero; 0 unless they are extreme.
 * @param {Float64Array} samples
 */
function exponentOf(samples) {
  let most = 0;
  for (let i = 0; i < samples.length; i++) {
    const size = Math.abs(samples[i]);
    if (size > most) most = size;
  }
  if (most === 0 || (most < 1e100 && most > 1e-100)) return 0;
  // Limited, so that the power of two is finite.
  return -Math.min(Math.max(Math.ceil(Math.log2(most)), -1000), 1000);
}

/** The largest power of two that is not above a number. @param {number} n */
export function powerOfTwo(n) {
  return 2 ** Math.floor(Math.log2(Math.max(n, 2)));
}
