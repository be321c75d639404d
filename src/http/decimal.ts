// Numbers as clients write them. `Number()` alone takes blanks, hexadecimals and "Infinity", too.

const DECIMAL = /^[+-]?\d*\.?\d+(e[+-]?\d+)?$/i;

/** The finite number that a text is, or NaN. */
export function decimalOf(text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}
