// Settings: what is read from the source, how long rows wait for it, and how much of it stays in memory.
import { whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** Reading from the source, and rows in memory. */
export interface BlockSettings {
  /** Page ring: memory for the newest blocks. [MiB] */
  readonly retentionMb: number;
  /** How long a partition is still read after its last client disconnects. [ms] */
  readonly lingerMs: number;
  /** How far back a live resume reaches, and where reading starts on a partition's first lease. [ms] */
  readonly resumeWindowMs: number;
  /** Longest time that rows wait for a partition whose broker or upstream cannot be reached. [ms] */
  readonly outageWaitMs: number;
  /** Grace period after an outage before blocks count as late. [ms] */
  readonly outageGraceMs: number;
  /** How far ahead of the clock a block's time may be; 0: two strides. [ms] */
  readonly futureToleranceMs: number;
}

const DAY_MS = 86_400_000;

export const BLOCK_SETTINGS = {
  retentionMb: whole({
    unit: "MiB",
    preset: 256,
    min: 1,
    max: 65_536,
    help: "page ring: memory for the newest blocks",
  }),
  lingerMs: whole({
    unit: "ms",
    preset: 30_000,
    min: 0,
    max: DAY_MS,
    help:
      "how long a partition is still read after its last client disconnects",
  }),
  resumeWindowMs: whole({
    unit: "ms",
    preset: 60_000,
    min: 0,
    max: DAY_MS,
    help:
      "how far back a live resume reaches, and where reading starts on a partition's first lease",
  }),
  outageWaitMs: whole({
    unit: "ms",
    preset: 300_000,
    min: 0,
    max: DAY_MS,
    help:
      "longest time that rows wait for a partition whose broker or upstream cannot be reached",
  }),
  outageGraceMs: whole({
    unit: "ms",
    preset: 15_000,
    min: 0,
    max: 600_000,
    help: "grace period after an outage before blocks count as late",
  }),
  futureToleranceMs: whole({
    unit: "ms",
    preset: 0,
    min: 0,
    max: DAY_MS,
    help: "how far ahead of the clock a block's time may be; 0: two strides",
  }),
} satisfies SettingsOf<BlockSettings>;
