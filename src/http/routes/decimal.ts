// Parses decimal numbers. `Number()` alone would also accept blanks, hexadecimals and "Infinity".

/** Longest accepted text. A double needs 24 characters at most. */
export const DECIMAL_LENGTH_MAX = 64;
/** Each digit can match one group only, so that a text that does not match fails in linear time. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** The finite number that a text stands for; else, or beyond {@linkcode DECIMAL_LENGTH_MAX} characters, NaN. */
export function decimalOf(text: string): number {
  if (text.length > DECIMAL_LENGTH_MAX) return NaN;
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}
