// Settings: which channels' trends are recorded, and how much of them is kept.
import { text, whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** Recorded trends. */
export interface TrendSettings {
  /** An RE2 expression; empty when it is not set. */
  readonly trendMatch: string;
  /** Memory for the bins of all recorded trends. [MiB] */
  readonly trendMb: number;
  /** How far back bins of 1 s reach; bins of 10 s: 6 times as far, of 60 s: 24 times. [h] */
  readonly trendHours: number;
}

export const TREND_SETTINGS = {
  trendMatch: text(
    "EXPRESSION",
    "names of channels whose trends are always recorded; unset: all of the embedded source, none of Kafka or an upstream",
  ),
  trendMb: whole({
    unit: "MiB",
    preset: 128,
    min: 1,
    max: 65_536,
    help: "memory for the bins of all recorded trends",
  }),
  trendHours: whole({
    unit: "h",
    preset: 2,
    min: 1,
    max: 168,
    help:
      "how far back bins of 1 s reach; bins of 10 s: 6 times as far, of 60 s: 24 times",
  }),
} satisfies SettingsOf<TrendSettings>;
