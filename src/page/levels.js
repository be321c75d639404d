// Levels that samples are compared with: numbers, or integers that a double does not hold.
// Invariant: a comparison with a sample is exact, also for 64-bit integers; levelOf(levelText(level)) is the level.
import { exactText, valueText } from "./axis_text.js";

/** @typedef {number | bigint} Level */
/** 1: above, 0: at the level, -1: below; NaN: not known. @typedef {number} Side */

/** Larger numbers leave no room for the arithmetic of an axis. */
const NUMBER_MAX = 1e300;
const INTEGER = /^[+-]?\d{1,20}$/;

/** Undefined where the text is no level. @param {string} text @returns {Level | undefined} */
export function levelOf(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  if (INTEGER.test(trimmed) && !Number.isSafeInteger(value)) {
    return BigInt(trimmed.replace("+", ""));
  }
  return Math.abs(value) <= NUMBER_MAX ? value : undefined;
}

/** As an address holds it. @param {Level} level */
export function levelText(level) {
  return String(level);
}

/** As a user reads it. @param {Level} level */
export function levelWords(level) {
  return typeof level === "bigint" ? exactText(level) : valueText(level);
}

/** A level less an origin, for drawing. @param {Level} level @param {number} origin */
export function levelFrom(level, origin) {
  return typeof level === "bigint"
    ? Number(level - BigInt(origin))
    : level - origin;
}

/** @param {number | bigint} value @param {Level} level @returns {Side} */
export function sideOf(value, level) {
  return value > level ? 1 : value < level ? -1 : value >= level ? 0 : NaN;
}
