// What a plot's user has chosen for its vertical axis and limits, as the options after its name in the address.
// Invariant: optionsOf(optionsText(y)) is y.
import { levelOf, levelText } from "./levels.js";

/** @typedef {import("./levels.js").Level} Level */
/**
 * @typedef {object} YOptions
 * @property {boolean} [log] logarithmic
 * @property {number} [min] the lower end; without it the values decide
 * @property {number} [max] the upper end
 * @property {number} [offset] labels count from this value
 * @property {Level | undefined} [above] samples above it are beyond the plot's limits
 * @property {Level | undefined} [below] samples below it are
 */

const NUMBERS = /** @type {const} */ (["min", "max", "offset"]);
const LEVELS = /** @type {const} */ (["above", "below"]);
/** Larger numbers leave no room for the arithmetic of an axis. */
const NUMBER_MAX = 1e300;

/** As it follows a name in the address. @param {YOptions | undefined} y */
export function optionsText(y = {}) {
  const parts = y.log ? [";y=log"] : [];
  for (const name of NUMBERS) {
    if (y[name] !== undefined) parts.push(`;${name}=${y[name]}`);
  }
  for (const name of LEVELS) {
    const level = y[name];
    if (level !== undefined) parts.push(`;${name}=${levelText(level)}`);
  }
  return parts.join("");
}

/**
 * @param {readonly string[]} options such as `min=-1`; what is none is left out
 * @returns {YOptions | undefined} undefined: the values decide all
 */
export function optionsOf(options) {
  /** @type {YOptions} */
  const y = {};
  for (const option of options) {
    const [name, value = ""] = option.split("=");
    if (name === "y" && value === "log") y.log = true;
    const known = NUMBERS.find((n) => n === name);
    const number = value.trim() === "" ? NaN : Number(value);
    if (known && Math.abs(number) <= NUMBER_MAX) y[known] = number;
    const limit = LEVELS.find((n) => n === name);
    const level = levelOf(value);
    if (limit && level !== undefined) y[limit] = level;
  }
  return checked(y).y;
}

/**
 * Options that fit together, and what is wrong with them.
 * @param {YOptions} y
 * @returns {{ y: YOptions | undefined, wrong: string }}
 */
export function checked({ above, below, log, min, max, offset }) {
  const areLimits = above === undefined || below === undefined || below < above;
  const wrong = min !== undefined && max !== undefined && min >= max
    ? "The lower end has to be below the upper end"
    : log && ((min ?? 1) <= 0 || (max ?? 1) <= 0)
    ? "A logarithmic axis shows values above 0"
    : "";
  const isRange = wrong === "";
  const y = {
    ...(log ? { log } : {}),
    ...(min !== undefined && isRange ? { min } : {}),
    ...(max !== undefined && isRange ? { max } : {}),
    ...(offset !== undefined && offset !== 0 ? { offset } : {}),
    ...(above !== undefined && areLimits ? { above } : {}),
    ...(below !== undefined && areLimits ? { below } : {}),
  };
  return {
    y: Object.keys(y).length > 0 ? y : undefined,
    wrong: wrong ||
      (areLimits ? "" : "The lower limit has to be below the upper limit"),
  };
}
