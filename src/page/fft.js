// Power spectral densities, by the fourier-transform package.
// Invariant: a density is one-sided, per Hz, of the windowed samples without their mean.
import rfft from "fourier-transform";

/** Power spectral densities of one size. */
export class Density {
  /** Add it to the densities of the last of(), in dB of power: very large and very small samples are scaled. */
  decibels = 0;
  #window;
  #scaled;
  #power;
  #mean = 0;

  /**
   * @param {number} size a power of two
   * @param {number} rate Hz
   * @param {number} [pad] zeros after the samples make the frequencies finer by this factor
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
    // rfft() returns amplitudes: the sums times 2 / size.
    this.factor = (size * pad / 2) ** 2 * 2 / (rate * sum);
  }

  /**
   * Densities at k × hertzPerBin; the next call reuses the array.
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
 * A factor for the samples, so that their squares neither overflow nor become zero; 1 unless they are extreme.
 * @param {Float64Array} samples
 */
function unitOf(samples) {
  let most = 0;
  for (let i = 0; i < samples.length; i++) {
    const size = Math.abs(samples[i]);
    if (size > most) most = size;
  }
  if (most === 0 || (most < 1e100 && most > 1e-100)) return 1;
  // Limited, so that the power of two is finite.
  return 2 ** -Math.min(Math.max(Math.ceil(Math.log2(most)), -1000), 1000);
}

/** The largest power of two that is not above a number. @param {number} n */
export function powerOfTwo(n) {
  return 2 ** Math.floor(Math.log2(Math.max(n, 2)));
}
