// Windows of spectra, as scipy.signal.get_window() makes them for spectra (periodic).

/** Weights of the cosines of each window. */
const COSINES = {
  hann: [0.5, 0.5],
  hamming: [0.54, 0.46],
  blackman: [0.42, 0.5, 0.08],
  flattop: [
    0.21557895,
    0.41663158,
    0.277263158,
    0.083578947,
    0.006947368,
  ],
  rectangular: [1],
};

/** @typedef {keyof typeof COSINES} WindowName */

/** Windows, the usual one first. @type {Record<WindowName, string>} */
export const WINDOW_TITLES = {
  hann: "Hann",
  hamming: "Hamming",
  blackman: "Blackman",
  flattop: "flat top",
  rectangular: "rectangular",
};

/**
 * @param {WindowName} name
 * @param {number} size
 */
export function windowOf(name, size) {
  const weights = COSINES[name];
  const window = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let k = 0; k < weights.length; k++) {
      const part = weights[k] * Math.cos(2 * Math.PI * k * i / size);
      sum += k % 2 === 0 ? part : -part;
    }
    window[i] = sum;
  }
  return window;
}
