// How long messages are on their way, for /v1/status: from their production, by their publishers' clocks, to their receipt.
import type { Histogram } from "../histogram.ts";

/** Milliseconds; null before the first message. */
export type LagStatus = Record<"p50_ms" | "p99_ms" | "max_ms", number | null>;

export function lagStatus(lag: Histogram): LagStatus {
  return {
    p50_ms: msOf(lag.quantile(0.5)),
    p99_ms: msOf(lag.quantile(0.99)),
    max_ms: msOf(lag.max),
  };
}

function msOf(seconds: number): number | null {
  return Number.isNaN(seconds) ? null : Math.round(seconds * 1e6) / 1e3;
}
