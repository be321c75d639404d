// The three lengths of trend bins, and how far back each is kept.
// Invariant: a bin is a whole number of blocks of its channels, and begins at a multiple of its length in GPS time.

/** Values of the parameter `trend`. */
export const TREND_NAMES = ["1s", "10s", "60s"] as const;
export type TrendName = typeof TREND_NAMES[number];

/** One length of bins. */
export interface TrendBin {
  readonly name: TrendName;
  readonly binNs: bigint;
  /** Its bins are kept for this many times `--trend-hours`: long bins serve views of long ranges. */
  readonly reach: number;
}

/** Shortest first. */
export const TREND_BINS: readonly TrendBin[] = [
  { name: "1s", binNs: 1_000_000_000n, reach: 1 },
  { name: "10s", binNs: 10_000_000_000n, reach: 6 },
  { name: "60s", binNs: 60_000_000_000n, reach: 24 },
];

/** The length with this name. */
export function trendBinOf(name: TrendName): TrendBin {
  return TREND_BINS[TREND_NAMES.indexOf(name)]!;
}

/** Whether a bin is a whole number of blocks of this stride. */
export function fits({ binNs }: TrendBin, strideNs: bigint): boolean {
  return binNs % strideNs === 0n;
}

/** How many bins of a length are kept. `hours`: `--trend-hours`. */
export function binsKept({ binNs, reach }: TrendBin, hours: number): number {
  return Math.ceil(hours * reach * 3600 / (Number(binNs) / 1e9));
}
