// What the samples between two cursors say: the values at both, and least, mean, rms and largest between them.
// Invariant: what counts is what the plot shows from the earlier cursor to the later one: the sample at each of them, which
// is the newest at that time, and all between. So no value that is shown for a cursor is beyond the figures.
import { differenceOf, valueText } from "./axis_text.js";

/** @typedef {import("./series.js").Series} Series */

/**
 * @typedef {object} Between
 * @property {number} count finite samples, or bins
 * @property {number} missing samples, or bins, that are not there or not finite
 * @property {number | bigint} min
 * @property {number | bigint} max
 * @property {number} mean of bins: of their means, which is exact where no sample is missing
 * @property {number | null} rms null for bins, whose samples are not here
 */

/**
 * Null where there is no finite sample.
 * @param {Series} series
 * @param {number} aS GPS s
 * @param {number} bS
 * @returns {Between | null}
 */
export function between(series, aS, bS) {
  const { ring, trend } = series;
  const [fromS, toS] = [Math.min(aS, bS), Math.max(aS, bS)];
  const from = ring.numberAt(fromS);
  const last = ring.numberAt(toS);
  const origin = ring.exactExtremes(from, last + 1)?.min;
  if (origin === undefined) return null;
  // Less a value of the same size, sums of large integers stay exact.
  const base = typeof origin === "bigint" ? Number(origin) : 0;
  let [count, sum, squares, low, high] = [0, 0, 0, Infinity, -Infinity];
  for (let i = from; i <= last; i++) {
    const value = ring.at(i, base);
    if (!isFinite(value)) continue;
    count++;
    sum += value;
    squares += (value + base) ** 2;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (count === 0) return null;
  const exact = trend
    ? endsOfBins(series, from, last)
    : ring.is64Bit
    ? ring.exactExtremes(from, last + 1)
    : null;
  return {
    count,
    missing: last - from + 1 - count,
    min: exact?.min ?? low,
    max: exact?.max ?? high,
    mean: sum / count + base,
    rms: trend ? null : Math.sqrt(squares / count),
  };
}

/**
 * @param {Series} series
 * @param {number} from
 * @param {number} last
 */
function endsOfBins({ low, high }, from, last) {
  const lows = low?.exactExtremes(from, last + 1);
  const highs = high?.exactExtremes(from, last + 1);
  return lows && highs ? { min: lows.min, max: highs.max } : null;
}

/**
 * The newest sample, or mean of a bin, at a time; null where there is none.
 * @param {Series} series
 * @param {number | null} gpsS
 */
function valueAt({ ring, trend }, gpsS) {
  if (gpsS === null) return null;
  const i = ring.numberAt(gpsS);
  if (ring.is64Bit && !trend) return ring.exactExtremes(i, i + 1)?.min ?? null;
  const value = ring.at(i);
  return Number.isNaN(value) ? null : value;
}

/**
 * As one line; empty without cursors.
 * @param {Series} series
 * @param {import("./cursors.js").Times} cursors
 */
export function betweenText(series, [aS, bS]) {
  if (aS === null && bS === null) return "";
  const a = valueAt(series, aS);
  const b = valueAt(series, bS);
  const parts = [];
  if (aS !== null) parts.push(`A ${a === null ? "–" : valueText(a)}`);
  if (bS !== null) parts.push(`B ${b === null ? "–" : valueText(b)}`);
  if (a !== null && b !== null) {
    parts.push(`ΔY ${valueText(differenceOf(a, b))}`);
  }
  const found = aS !== null && bS !== null ? between(series, aS, bS) : null;
  if (found) {
    const { count, max, mean, min, missing, rms } = found;
    const what = `${series.trend ? "bin" : "sample"}${count === 1 ? "" : "s"}`;
    parts.push(
      `min ${valueText(min)}`,
      `mean ${valueText(mean)}`,
      ...(rms === null ? [] : [`rms ${valueText(rms)}`]),
      `max ${valueText(max)}`,
      `peak-to-peak ${valueText(differenceOf(min, max))}`,
      `${count.toLocaleString("en")} ${what}${
        missing > 0 ? `, ${missing.toLocaleString("en")} missing` : ""
      }`,
    );
  }
  return parts.join(" · ");
}
