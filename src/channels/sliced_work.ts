// Work that is done a slice at a time: a generator that says what its next part costs before it does it.
// Invariant: no part costs more than PART_STEPS_MAX, so that a runner can hold any limit that is above it.

/**
 * Yields the cost of what it does next, in steps. A step is at most about a microsecond: a name compared, a row of a
 * list made, 300 cells of a distance, or 1 / {@linkcode STEPS_A_COMPARISON} characters × instructions of an expression.
 */
export type SlicedWork<T> = Generator<number, T, undefined>;

/** Most steps of one part. */
export const PART_STEPS_MAX = 4000;

/** Does all of a work at once: for the start of the process and for tests. */
export function finish<T>(work: SlicedWork<T>): T {
  for (;;) {
    const part = work.next();
    if (part.done) return part.value;
  }
}
