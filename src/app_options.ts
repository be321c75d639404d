// What an instance is made of: the parts that differ between a server, an edge runtime and a test.
import type { AccessControl } from "./auth/access_control.ts";
import type { Clocks } from "./blocks/gps_clock.ts";
import type { Config } from "./config.ts";
import type { Ring } from "./memory/ring.ts";
import type { SharePools } from "./shares/share_pools.ts";
import type { Source } from "./source/source.ts";
import type { Logger } from "./telemetry/log.ts";
import type { MemoryFigures } from "./telemetry/memory_use.ts";
import type { ProcessUse } from "./telemetry/process_use.ts";
import type { Trends } from "./trends/recorded_trend.ts";
import type { UsageLog } from "./telemetry/usage_log.ts";
import type { GcCounters } from "./telemetry/metrics/memory_metrics.ts";

/** Where the lines of finished streams go. */
export type UsageSink = Pick<UsageLog, "counters" | "isFailing" | "write">;

export interface QanatOptions {
  readonly config: Config;
  readonly source: Source;
  readonly log: Logger;
  /** Where the source's blocks are, if another thread writes them. @default a ring of its own, by `config` */
  readonly ring?: Ring;
  /** What this thread counts together with others. @default pools of its own */
  readonly sharePools?: SharePools;
  /**
   * The trends, if another thread records them; made with what to call after more has been recorded. @default it records
   * them itself
   */
  readonly trendsOf?: (onRecorded: () => void) => Trends;
  /** Over the source's catalog. @default everyone may read everything */
  readonly access?: AccessControl;
  /** @default those of the system */
  readonly clocks?: Clocks;
  /** Calls back in the next turn of the event loop, for tests. @default that of CooperativeScheduler */
  readonly later?: (turn: () => void) => void;
  /** Garbage collection, where the runtime reports it. */
  readonly gc?: GcCounters;
  /** Reads the memory of the process, where the runtime reports it. */
  readonly memory?: () => MemoryFigures;
  /** CPU time and start of the process, where the runtime reports them. */
  readonly processUse?: ProcessUse;
  /** How often a watchdog has missed each part of this instance, where there is a watchdog. */
  readonly missedProbes?: () => Readonly<Record<string, number>>;
  /** Takes a line for each finished stream. */
  readonly usageLog?: UsageSink;
  /** Whether it logs each minute what it has refused and missed. @default true */
  readonly reportsEachMinute?: boolean;
  /** The log's writer, where log lines can be lost. */
  readonly logLines?: { readonly lostLines: number };
}
