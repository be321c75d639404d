// Finds the samples beyond limits, and those at which a level is crossed. Called once per row, so its loops are plain.
// Invariant: a sample that is null or NaN is neither beyond nor within; an infinite one is compared like any other.
import { sideOf } from "./levels.js";

/** @typedef {import("./levels.js").Level} Level */
/** @typedef {import("./levels.js").Side} Side */
/** @typedef {ArrayLike<number | bigint | null>} Values */
/** @typedef {{ above?: Level | undefined, below?: Level | undefined }} Limits */
/** @typedef {"rising" | "falling" | "either"} Edge */

/**
 * The samples beyond limits.
 * @param {Values} samples
 * @param {Limits} limits
 * @returns {{ first: number, last: number, side: Side, hasValue: boolean }} first, last: indices of the first and the
 *   last sample beyond, -1 without one; side: where the last one is; hasValue: some sample is a number
 */
export function beyondIn(samples, { above = Infinity, below = -Infinity }) {
  let first = -1;
  let last = -1;
  let side = NaN;
  let hasValue = false;
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i];
    if (value === null || value !== value) continue;
    hasValue = true;
    const isAbove = value > above;
    if (!isAbove && !(value < below)) continue;
    if (first < 0) first = i;
    last = i;
    side = isAbove ? 1 : -1;
  }
  return { first, last, side, hasValue };
}

/**
 * Whether a step from one side to another is an edge. A step to the level itself is none; from it is one.
 * @param {Side} before NaN: not known, so that there is none
 * @param {Side} now
 * @param {Edge} edge
 */
export function isEdge(before, now, edge) {
  const rises = now === 1 && before <= 0;
  const falls = now === -1 && before >= 0;
  return edge === "rising"
    ? rises
    : edge === "falling"
    ? falls
    : rises || falls;
}

/**
 * The edges among samples.
 * @param {Values} samples
 * @param {{ level: Level, edge: Edge, before: Side, from: number }} options before: side of the newest sample before them;
 *   from: edges before this index do not count
 * @returns {{ at: number, others: number, first: Side, last: Side }} at: index of the sample after the first edge that
 *   counts, -1 without one; others: number of all other edges; first, last: sides of the first and the last number
 */
export function edgesIn(samples, { level, edge, before, from }) {
  let at = -1;
  let others = 0;
  let first = NaN;
  let side = before;
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i];
    if (value === null || value !== value) continue;
    const now = sideOf(value, level);
    if (first !== first) first = now;
    if (isEdge(side, now, edge)) {
      if (at < 0 && i >= from) at = i;
      else others++;
    }
    side = now;
  }
  return { at, others, first, last: side };
}

/**
 * The values of a bin that decide, as samples: its least, its largest, or both. Empty without a sample.
 * @param {import("./qanat.d.ts").TrendBin} bin
 * @param {"min" | "max" | "both"} which
 * @returns {(number | bigint)[]}
 */
export function valuesOfBin({ count, max, min }, which) {
  if (count === 0) return [];
  // JSON has no infinity: in a bin that has samples, null means infinity.
  const least = min ?? -Infinity;
  const largest = max ?? Infinity;
  return which === "min"
    ? [least]
    : which === "max"
    ? [largest]
    : [least, largest];
}
