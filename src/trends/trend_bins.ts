// The three bins of trends: their names, lengths and how far back each reaches.
// Invariant: a bin is a whole number of blocks of the channels that have it, and begins on the GPS grid.

/** Names as `trend=` takes them. */
export const TREND_NAMES = ["1s", "10s", "60s"] as const;
export type TrendName = typeof TREND_NAMES[number];

/** One length of bin. */
export interface TrendBin {
  readonly name: TrendName;
  readonly binNs: bigint;
  /** How many times `--trend-hours` it reaches back: long looks want long bins. */
  readonly reach: number;
}

/** Shortest first. */
export const TREND_BINS: readonly TrendBin[] = [
  { name: "1s", binNs: 1_000_000_000n, reach: 1 },
  { name: "10s", binNs: 10_000_000_000n, reach: 6 },
  { name: "60s", binNs: 60_000_000_000n, reach: 24 },
];

/** The bin of a name. */
export function trendBinOf(name: TrendName): TrendBin {
  return TREND_BINS[TREND_NAMES.indexOf(name)]!;
}

/** Whether blocks of a stride fill a bin. */
export function fits({ binNs }: TrendBin, strideNs: bigint): boolean {
  return binNs % strideNs === 0n;
}

/** Bins kept of a length. */
export function binsKept({ binNs, reach }: TrendBin, hours: number): number {
  return Math.ceil(hours * reach * 3600 / (Number(binNs) / 1e9));
}
