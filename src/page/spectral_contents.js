// What plots of averaged spectra show: amplitudes of one channel; coherence and transfer function of two.
// Invariant: values are exact as long as doubles hold the logarithms: a segment's exponents are applied to these.
import { decadeEnds, decadeScale, linearScale } from "./spectral_scales.js";
import { amplitudeUnit, ratioUnit } from "./spectral_units.js";

/** @typedef {import("./segment_average.js").Segment} Segment */
/** @typedef {import("./series.js").Channel} Channel */
/**
 * @typedef {object} Content
 * @property {number} panels
 * @property {number} averagesMin fewer averages show nothing
 * @property {(segment: Segment, bins: number, values: Float64Array[]) => void} take computes the values of each panel
 * @property {(channels: readonly Channel[]) => string[]} titles of the panels' vertical axes
 * @property {(values: readonly (readonly ArrayLike<number>[])[], options: import("./spectral_options.js").SpectralOptions) => import("./spectral_scales.js").Scale[]} scales
 *   for what is drawn in each panel
 * @property {(values: readonly Float64Array[], k: number, channels: readonly Channel[]) => string} text the values at bin k
 */

const LOG2 = Math.log10(2);
const DEGREES = 180 / Math.PI;

/** Amplitude spectral density, as exponents of ten. @type {Content} */
const SPECTRUM = {
  panels: 1,
  averagesMin: 1,
  take: ({ values, exponents }, bins, [amplitudes]) => {
    const shift = exponents[0] * LOG2;
    for (let k = 0; k < bins; k++) {
      amplitudes[k] = (Math.log10(values[k]) - shift) / 2;
    }
  },
  titles: (channels) => {
    const units = new Set(channels.map(amplitudeUnit));
    const [unit] = units.size > 1 ? ["unit of each channel/√Hz"] : units;
    return [`Amplitude spectral density (${unit})`];
  },
  scales: ([drawn], options) => [amplitudeScale(drawn, options)],
  text: ([amplitudes], k, [channel]) =>
    `${amplitudeText(amplitudes[k])} ${amplitudeUnit(channel)}`,
};

/** Coherence, 0 to 1: as scipy.signal.coherence(). @type {Content} */
const COHERENCE = {
  panels: 1,
  // Of a single segment it is 1 at each frequency.
  averagesMin: 2,
  take: ({ values, exponents }, bins, [coherence]) => {
    const [xx, yy, xy] = exponents;
    const factor = 2 ** (xx + yy - 2 * xy);
    for (let k = 0; k < bins; k++) {
      const size = Math.hypot(values[2 * bins + k], values[3 * bins + k]);
      // One after the other: the product of two large densities overflows.
      coherence[k] = size / values[k] * (size / values[bins + k]) * factor;
    }
  },
  titles: () => ["Coherence"],
  scales: () => [linearScale([0, 0.25, 0.5, 0.75, 1])],
  text: ([coherence], k) => `coherence ${coherence[k].toFixed(3)}`,
};

/** The transfer function from the first channel to the second: the exponent of ten of its magnitude, and its phase in degrees. @type {Content} */
const TRANSFER = {
  panels: 2,
  averagesMin: 1,
  take: ({ values, exponents }, bins, [magnitude, phase]) => {
    const shift = (exponents[0] - exponents[2]) * LOG2;
    for (let k = 0; k < bins; k++) {
      const re = values[2 * bins + k];
      const im = values[3 * bins + k];
      const size = Math.log10(Math.hypot(re, im)) - Math.log10(values[k]);
      magnitude[k] = size + shift;
      phase[k] = size > -Infinity ? Math.atan2(im, re) * DEGREES : NaN;
    }
  },
  titles: ([from, to]) => {
    const unit = ratioUnit(from, to);
    return [unit === "" ? "Magnitude" : `Magnitude (${unit})`, "Phase (°)"];
  },
  scales: ([drawn], options) => [
    amplitudeScale(drawn, options),
    linearScale([-180, -90, 0, 90, 180]),
  ],
  text: ([magnitude, phase], k, [from, to]) =>
    `${amplitudeText(magnitude[k])} ${ratioUnit(from, to)} ${
      phase[k].toFixed(1)
    }°`.replace("  ", " "),
};

/** @type {Readonly<Record<"spectrum" | "coherence" | "transfer", Content>>} */
export const CONTENTS = {
  spectrum: SPECTRUM,
  coherence: COHERENCE,
  transfer: TRANSFER,
};

/**
 * @param {readonly ArrayLike<number>[]} drawn exponents of ten
 * @param {import("./spectral_options.js").SpectralOptions} options
 */
function amplitudeScale(drawn, options) {
  const { least, largest } = extremesOf(drawn);
  if (largest === -Infinity) return decadeScale(0, 1);
  const { low, high } = decadeEnds(least, largest, options);
  return decadeScale(low, high);
}

/** Least and largest of finite values, without 0 Hz. @param {readonly ArrayLike<number>[]} all */
function extremesOf(all) {
  let least = Infinity;
  let largest = -Infinity;
  for (const values of all) {
    for (let k = 1; k < values.length; k++) {
      const value = values[k];
      if (value > largest) largest = value;
      if (value < least && value > -Infinity) least = value;
    }
  }
  return { least, largest };
}

/** @param {number} exponent of ten */
function amplitudeText(exponent) {
  const value = 10 ** exponent;
  return value > 0 && isFinite(value)
    ? value.toExponential(2)
    : exponent > -Infinity
    ? `1e${Math.floor(exponent)}`
    : "0";
}
