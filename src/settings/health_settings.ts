// Settings: when an instance is not ready, when it ends itself, and how long a shutdown may take.
import { whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** Readiness, watchdog, shutdown. */
export interface HealthSettings {
  /** How long the source may be unreachable before /readyz fails. [ms] */
  readonly readyGraceMs: number;
  /** Delay of the event loop above which /readyz fails. [ms] */
  readonly eventLoopDelayMaxMs: number;
  /** Missed probes in a row, one each second, after which a hung process ends itself; 0: never. [probes] */
  readonly watchdogProbesMax: number;
  /** Time for clients to finish at shutdown. [ms] */
  readonly drainMs: number;
  /** Period before that over which a shutdown ends the streams, newest first; 0: all at once. [s] */
  readonly drainSpreadS: number;
}

export const HEALTH_SETTINGS = {
  readyGraceMs: whole({
    unit: "ms",
    preset: 10_000,
    min: 0,
    max: 8.64e7,
    help: "how long the source may be unreachable before /readyz fails",
  }),
  eventLoopDelayMaxMs: whole({
    unit: "ms",
    preset: 1000,
    min: 10,
    max: 60_000,
    help: "delay of the event loop above which /readyz fails",
  }),
  watchdogProbesMax: whole({
    unit: "probes",
    preset: 12,
    min: 0,
    max: 3600,
    help:
      "missed probes in a row, one each second, after which a hung process ends itself; 0: never",
  }),
  drainMs: whole({
    unit: "ms",
    preset: 3000,
    min: 0,
    max: 4000,
    help: "time for clients to finish at shutdown",
  }),
  drainSpreadS: whole({
    unit: "s",
    preset: 0,
    min: 0,
    max: 3600,
    help:
      "period before that over which a shutdown ends the streams, newest first; 0: all at once",
  }),
} satisfies SettingsOf<HealthSettings>;
