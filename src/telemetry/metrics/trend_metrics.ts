// Metrics of recorded trends.
import type { TrendCounters, Trends } from "../../trends/recorded_trend.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface TrendParts {
  readonly trends: Pick<
    Trends,
    "counters" | "lostBlocks" | keyof typeof GAUGES
  >;
}

const GAUGES = {
  channelCount: ["trend_channels", "Channels whose trends are recorded"],
  usedBytes: ["trend_bytes", "Memory of recorded trends"],
  budgetBytes: ["trend_budget_bytes", "Most memory that trends may use"],
} as const;

const COUNTERS = {
  seconds: ["trend_seconds_total", "Time spent recording trends"],
  refused: [
    "trend_channels_refused_total",
    "Channels of --trend-match that are not recorded because --trend-mb is used up",
  ],
  noMemory: [
    "trend_no_memory_total",
    "Recordings of trends that could not begin because the system had no memory",
  ],
} satisfies Record<keyof TrendCounters, NameAndHelp>;

export function trendMetrics(
  metrics: Prometheus,
  { trends }: TrendParts,
): void {
  metrics.gaugeTable(GAUGES, (field) => trends[field]);
  metrics.counterTable(COUNTERS, (counter) => trends.counters[counter]);
  metrics.counter(
    "trend_blocks_lost_total",
    "Blocks that the page ring dropped before their trend was recorded",
    () => trends.lostBlocks,
  );
}
