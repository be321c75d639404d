// What is drawn over time as the path of an SVG, in thousandths of the plot's width and height.
// Invariant: each column of pixels reaches from its least to its largest sample, as on the screen.

/** @typedef {import("./value_axis.js").ValueAxis["scale"]} Scale */

const SIZE = 1000;
const text = (/** @type {number} */ v) => String(Number(v.toFixed(2)));

/**
 * Samples: a line through columns, or through samples where these are wider than pixels.
 * @param {import("./envelope.js").Envelope} envelope
 * @param {import("./series.js").Series} series
 * @param {{ fromS: number, toS: number, scale: Scale }} view
 */
export function samplesPath(envelope, { ring }, { fromS, toS, scale }) {
  const { binsPerS, origin } = envelope;
  const x = (/** @type {number} */ s) =>
    text((s - fromS) / (toS - fromS) * SIZE);
  const y = (/** @type {number} */ v) => text((1 - scale.share(v)) * SIZE);
  const parts = [];
  let isOn = false;
  const isLine = ring.rate < binsPerS;
  const perS = isLine ? ring.rate : binsPerS;
  const last = Math.ceil(toS * perS) + (isLine ? 1 : -1);
  for (let k = Math.floor(fromS * perS) - (isLine ? 1 : 0); k <= last; k++) {
    const ends = isLine ? sampleAt(ring, k, origin) : columnAt(envelope, k);
    if (!ends) {
      isOn = false;
      continue;
    }
    const at = x(k / perS);
    parts.push(`${isOn ? "L" : "M"}${at} ${y(ends.high)}`);
    if (ends.low !== ends.high) parts.push(`L${at} ${y(ends.low)}`);
    isOn = true;
  }
  return parts.join("");
}

/**
 * @param {import("./samples.js").SampleRing} ring
 * @param {number} i
 * @param {number} origin
 */
function sampleAt(ring, i, origin) {
  const value = ring.at(i, origin);
  return Number.isNaN(value) ? null : { low: value, high: value };
}

/**
 * @param {import("./envelope.js").Envelope} envelope
 * @param {number} k
 */
function columnAt(envelope, k) {
  const at = envelope.place(k);
  if (at < 0) return null;
  const [low, high] = [envelope.finiteMin[at], envelope.finiteMax[at]];
  return Number.isNaN(low) ? null : { low, high };
}

/**
 * Bins: a box for each, from the least to the largest sample.
 * @param {import("./series.js").Series} series
 * @param {number} origin
 * @param {{ fromS: number, toS: number, scale: Scale }} view
 */
export function binsPath(series, origin, { fromS, toS, scale }) {
  const { rate } = series.ring;
  const x = (/** @type {number} */ i) =>
    text((i / rate - fromS) / (toS - fromS) * SIZE);
  const y = (/** @type {number} */ v) => text((1 - scale.share(v)) * SIZE);
  const parts = [];
  for (let i = Math.floor(fromS * rate); i < toS * rate; i++) {
    const bin = series.binAt(i, origin);
    if (!bin) continue;
    parts.push(
      `M${x(i)} ${y(bin.max)}H${x(i + 1)}V${y(bin.min)}H${x(i)}Z`,
    );
  }
  return parts.join("");
}
