// Finds the largest number of clients that a Qanat holds, between numbers that were tried.
// Invariant: ends after a bounded number of trials; a count is never tried twice.

export interface Limit {
  /** Largest count that held; 0 when none did. */
  readonly holds: number;
  /** Smallest that did not; null when all did, up to the largest that is tried. */
  readonly fails: number | null;
}

export interface LimitOptions {
  /** What is known already: count and whether it held. */
  readonly known: ReadonlyMap<number, boolean>;
  /** Most clients to try. */
  readonly clientsMax: number;
  /** Ends when the two are this near: 1.1 is a tenth. */
  readonly ratio: number;
  /** Counts are multiples of it. @default 50 */
  readonly step?: number;
}

const GROWTH = 1.3;
const STEP = 50;

/** Tries counts above the largest that holds, then between it and the smallest above it that does not. */
export async function limitOf(
  tryCount: (clients: number) => Promise<boolean>,
  { known, clientsMax, ratio, step = STEP }: LimitOptions,
): Promise<Limit> {
  const counts = [...known].sort(([a], [b]) => a - b);
  let holds = counts.findLast(([, held]) => held)?.[0] ?? 0;
  let fails = counts.find(([count, held]) => !held && count > holds)?.[0] ??
    null;
  const rounded = (count: number) =>
    Math.max(step, Math.round(count / step) * step);
  while (fails === null && holds < clientsMax) {
    const next = Math.min(clientsMax, rounded(Math.max(step, holds) * GROWTH));
    if (await tryCount(next)) holds = next;
    else fails = next;
  }
  while (fails !== null && fails > Math.max(1, holds) * ratio) {
    const middle = rounded(
      holds === 0 ? fails / 2 : Math.sqrt(holds * fails),
    );
    if (middle <= holds || middle >= fails) break;
    if (await tryCount(middle)) holds = middle;
    else fails = middle;
  }
  return { holds, fails };
}
