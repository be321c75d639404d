// Where to begin in a circle of places, so that each comes first equally often.

/** The golden ratio's fraction: its multiples spread evenly over a circle. */
const GOLDEN_FRACTION = 0.6180339887;

/** The place to begin at in the `turn`-th round over `count` places. */
export function rotation(turn: number, count: number): number {
  return Math.floor((turn * GOLDEN_FRACTION % 1) * count);
}
