// Finds the positions of names among sorted ones by bisection.
import type { SlicedWork } from "./sliced_work.ts";

/** Steps of finding one prefix among the sorted names. */
const BISECT_STEPS = 3;

/** The index of the first sorted name that is not less than `name`. */
export function lowerBound(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A range of indexes in sorted names; the end is exclusive. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The ranges of sorted names that begin with one of `prefixes`, in order and without overlap. */
export function* rangesOf(
  sorted: readonly string[],
  prefixes: readonly string[],
): SlicedWork<readonly Range[]> {
  const found: Range[] = [];
  for (const prefix of prefixes) {
    yield BISECT_STEPS;
    const from = lowerBound(sorted, prefix);
    const to = from + prefixed(sorted, from, prefix);
    if (to > from) found.push({ from, to });
  }
  found.sort((a, b) => a.from - b.from || b.to - a.to);
  // Two ranges either contain one another completely or do not overlap.
  let end = -1;
  return found.filter(({ from, to }) => {
    const isNew = from >= end;
    if (isNew) end = to;
    return isNew;
  });
}

/** The number of sorted names that begin with `prefix`, from the first one on. */
function prefixed(
  sorted: readonly string[],
  from: number,
  prefix: string,
): number {
  let low = from;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.startsWith(prefix)) low = middle + 1;
    else high = middle;
  }
  return low - from;
}
