// Spectra by the fourier-transform package: window, density, decibels.
// Invariant: density() is one-sided, per Hz, of the detrended (mean-free) samples.
import rfft from "fourier-transform";

/** Power spectral densities of one size. */
export class Density {
  /** To be added to what of() gave, in dB of power: very large and very small samples are scaled first. */
  decibels = 0;
  #window;
  #scaled;
  #power;
  #mean = 0;

  /**
   * @param {number} size a power of two
   * @param {number} rate Hz
   * @param {number} [pad] finer frequencies by so many times the size, zeros behind the samples
   */
  constructor(size, rate, pad = 1) {
    this.size = size;
    this.bins = size * pad / 2;
    this.hertzPerBin = rate / (size * pad);
    this.#window = new Float64Array(size);
    this.#scaled = new Float64Array(size * pad);
    this.#power = new Float64Array(this.bins);
    let sum = 0;
    for (let i = 0; i < size; i++) {
      const w = 0.5 - 0.5 * Math.cos(2 * Math.PI * (i + 0.5) / size);
      this.#window[i] = w;
      sum += w * w;
    }
    // rfft gives amplitudes: 2 / its size times the sums.
    this.factor = (size * pad / 2) ** 2 * 2 / (rate * sum);
  }

  /**
   * Density at k × hertzPerBin; the array is used again by the next call.
   * @param {Float64Array} samples
   */
  of(samples) {
    const { size } = this;
    const unit = unitOf(samples);
    this.decibels = unit === 1 ? 0 : -20 * Math.log10(unit);
    let sum = 0;
    for (let i = 0; i < size; i++) sum += samples[i] * unit;
    this.#mean = sum / size;
    for (let i = 0; i < size; i++) {
      this.#scaled[i] = (samples[i] * unit - this.#mean) * this.#window[i];
    }
    const amplitudes = rfft(this.#scaled);
    for (let k = 0; k < this.bins; k++) {
      this.#power[k] = amplitudes[k] * amplitudes[k] * this.factor;
    }
    return this.#power;
  }
}

/**
 * What to multiply samples with so that their squares neither overflow nor vanish: 1 but for extreme ones.
 * @param {Float64Array} samples
 */
function unitOf(samples) {
  let most = 0;
  for (let i = 0; i < samples.length; i++) {
    const size = Math.abs(samples[i]);
    if (size > most) most = size;
  }
  if (most === 0 || (most < 1e100 && most > 1e-100)) return 1;
  // In two steps, so that the power itself stays finite.
  return 2 ** -Math.min(Math.max(Math.ceil(Math.log2(most)), -1000), 1000);
}

/** The power of two at or below a number. @param {number} n */
export function powerOfTwo(n) {
  return 2 ** Math.floor(Math.log2(Math.max(n, 2)));
}
