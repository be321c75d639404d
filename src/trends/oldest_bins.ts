// Since when a channel's trends are recorded.
import { TREND_BINS } from "./trend_bins.ts";

/** GPS ns at which the oldest bin of each length begins, by the index of `TREND_BINS`; null where there is none. */
export type OldestBins = readonly (bigint | null)[];

/** Of a channel that is not recorded. */
export const NO_BINS: OldestBins = TREND_BINS.map(() => null);

/** The oldest bins that a record keeps; undefined: there is no record. */
export function oldestBinsOf(
  record:
    | { readonly rings: readonly ({ readonly oldest: number } | null)[] }
    | undefined,
): OldestBins {
  if (record === undefined) return NO_BINS;
  return TREND_BINS.map(({ binNs }, i) => {
    const oldest = record.rings[i]?.oldest ?? Infinity;
    return oldest === Infinity ? null : BigInt(oldest) * binNs;
  });
}
