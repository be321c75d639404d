// Different selections of ten channels, the same ones in every run.
// Invariant: no two are equal as sets; each is sorted and has no channel twice.

/** Multiplier and increment of Numerical Recipes' generator. */
const MULTIPLIER = 1664525;
const INCREMENT = 1013904223;

/** `count` different selections of `size` of the names. */
export function selectionsOf(
  names: readonly string[],
  options: { count: number; size: number },
): string[][] {
  const { count, size } = options;
  const known = new Set<string>();
  const selections: string[][] = [];
  let state = 1;
  const draw = () => {
    state = (Math.imul(state, MULTIPLIER) + INCREMENT) >>> 0;
    return names[Math.floor(state / 2 ** 32 * names.length)]!;
  };
  while (selections.length < count) {
    const chosen = new Set<string>();
    while (chosen.size < Math.min(size, names.length)) chosen.add(draw());
    const sorted = [...chosen].sort();
    const key = sorted.join();
    if (known.has(key)) continue;
    known.add(key);
    selections.push(sorted);
  }
  return selections;
}
