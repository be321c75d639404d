// Settings: histories and resumes, which read from the source again.
import { whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** Histories and resumes. */
export interface HistorySettings {
  /** Histories that are read from the source at one time; 0: none. [streams] */
  readonly historyReadersMax: number;
  /** Time without progress after which a history may have to wait for another one. [ms] */
  readonly historyStallMs: number;
  /** Memory of one history or resume. [MiB] */
  readonly historyMb: number;
}

export const HISTORY_SETTINGS = {
  historyReadersMax: whole({
    unit: "streams",
    preset: 4,
    min: 0,
    max: 1000,
    help: "histories that are read from the source at one time; 0: none",
  }),
  historyStallMs: whole({
    unit: "ms",
    preset: 5000,
    min: 100,
    max: 600_000,
    help:
      "time without progress after which a history may have to wait for another one",
  }),
  historyMb: whole({
    unit: "MiB",
    preset: 32,
    min: 1,
    max: 4096,
    help: "memory of one history or resume",
  }),
} satisfies SettingsOf<HistorySettings>;
