// Numbers as clients write them. `Number()` alone takes blanks, hexadecimals and "Infinity", too.

/** Longest text of a number. A double needs 24 characters at most. */
export const DECIMAL_LENGTH_MAX = 64;
/** Each digit belongs to one group only, so that a text that does not match fails in one pass. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** The finite number that a text is, or NaN; a text longer than {@linkcode DECIMAL_LENGTH_MAX} is none. */
export function decimalOf(text: string): number {
  if (text.length > DECIMAL_LENGTH_MAX) return NaN;
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}
