// Axes of plots of frequencies: frequencies, exponents of ten, and plain values.
// Invariant: there are always two labels.

/** @typedef {import("./value_scale.js").Tick} Tick */
/** @typedef {{ low: number, high: number, share: (value: number) => number, ticks: (room: number) => Tick[] }} Scale */

/** @typedef {{ lowHz: number, highHz: number, isLinear: boolean }} Frequencies of an axis: octaves, or linear */

/** Exponents of ten that are shown below the largest. */
const DECADES = 6;
/** How far outside the plot a value is drawn at most. */
const OUTSIDE = 0.05;

/**
 * A logarithmic axis; its values are exponents of ten.
 * @param {number} low
 * @param {number} high above `low`
 * @returns {Scale}
 */
export function decadeScale(low, high) {
  return {
    low,
    high,
    share: shareOf(low, high),
    ticks: (room) => {
      const places = exponentsOf(low, high, room);
      return places.map((e) => ({
        at: (e - low) / (high - low),
        text: exponentText(e),
      }));
    },
  };
}

/**
 * A linear axis with labels at these values.
 * @param {readonly number[]} labels the ends among them, the least first
 * @returns {Scale}
 */
export function linearScale(labels) {
  const low = labels[0];
  const high = labels[labels.length - 1];
  return {
    low,
    high,
    share: shareOf(low, high),
    ticks: (room) => {
      const some = labels.length <= room
        ? labels
        : labels.filter((_, i) => i % 2 === 0);
      return (some.length <= room ? some : [low, high]).map((value) => ({
        at: (value - low) / (high - low),
        text: String(value).replace("-", "−"),
      }));
    },
  };
}

/** The frequency at a share of an axis. @param {number} share @param {Frequencies} axis */
export function hertzAt(share, { lowHz, highHz, isLinear }) {
  return isLinear
    ? lowHz + share * (highHz - lowHz)
    : lowHz * (highHz / lowHz) ** share;
}

/** The place of a frequency on an axis, as a share. @param {number} hertz @param {Frequencies} axis */
export function shareOfHertz(hertz, { lowHz, highHz, isLinear }) {
  return isLinear
    ? (hertz - lowHz) / (highHz - lowHz)
    : Math.log(hertz / lowHz) / Math.log(highHz / lowHz);
}

/**
 * Ends for exponents of ten: whole ones, unless they are fixed.
 * @param {number} least
 * @param {number} largest
 * @param {{ min?: number, max?: number }} fixed values above 0 (not exponents)
 */
export function decadeEnds(least, largest, { min = 0, max = 0 }) {
  let high = max > 0 ? Math.log10(max) : Math.ceil(largest);
  let low = min > 0
    ? Math.log10(min)
    : Math.floor(Math.max(least, high - DECADES));
  if (low >= high && max <= 0) high = low + 1;
  if (low >= high) low = high - 1;
  return { low, high };
}

/** @param {number} low @param {number} high @returns {Scale["share"]} */
function shareOf(low, high) {
  return (value) => {
    const share = (value - low) / (high - low);
    return share < -OUTSIDE
      ? -OUTSIDE
      : share > 1 + OUTSIDE
      ? 1 + OUTSIDE
      : share;
  };
}

/**
 * Exponents of ten for labels, of round values where there are such.
 * @param {number} low
 * @param {number} high
 * @param {number} room
 */
function exponentsOf(low, high, room) {
  const first = Math.ceil(low - 1e-9);
  const last = Math.floor(high + 1e-9);
  const every = Math.max(Math.ceil((last - first + 1) / room), 1);
  const whole = [];
  for (let e = first; e <= last; e += every) whole.push(e);
  if (whole.length > 1) return whole;
  const some = [];
  for (let e = first - 1; e <= last + 1; e++) {
    for (const m of [1, 2, 5]) {
      const at = e + Math.log10(m);
      if (at >= low - 1e-9 && at <= high + 1e-9) some.push(at);
    }
  }
  return some.length > 1 ? some : [low, high];
}

/** @param {number} exponent */
function exponentText(exponent) {
  const whole = Math.floor(exponent + 1e-9);
  const mantissa = Number((10 ** (exponent - whole)).toPrecision(3));
  const power = `10${
    [...String(whole)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)] ?? "⁻").join("")
  }`;
  return mantissa === 1 ? power : `${mantissa}×${power}`;
}
