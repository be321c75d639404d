// Work that is done in slices: a generator that yields the cost of its next part before it does that part.
// Invariant: no part costs more than PART_STEPS_MAX, so that a runner can keep any larger limit.

/**
 * Yields the cost of its next part, in steps. A step is at most about a microsecond: comparing a name, making a row of
 * a list, 300 cells of a distance, or 1 / {@linkcode STEPS_A_COMPARISON} characters × instructions of an expression.
 */
export type SlicedWork<T> = Generator<number, T, undefined>;

/** Most steps of one part. */
export const PART_STEPS_MAX = 4000;

/** Steps of one turn of {@linkcode finishInTurns}: at most about 2 ms. */
const TURN_STEPS = 2000;

/** Does all of the work in short turns of the event loop: for work that no request waits for. */
export async function finishInTurns<T>(work: SlicedWork<T>): Promise<T> {
  let steps = 0;
  for (;;) {
    const part = work.next();
    if (part.done) return part.value;
    steps += part.value;
    if (steps < TURN_STEPS) continue;
    steps = 0;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}

/** Does all of the work in one call: for the start of the process and for tests. */
export function finish<T>(work: SlicedWork<T>): T {
  for (;;) {
    const part = work.next();
    if (part.done) return part.value;
  }
}
