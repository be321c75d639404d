// What an instance is given that its metrics show: figures that a test knows, so that no metric is left out.
import type { QanatOptions } from "../../../src/app_options.ts";
import { UsageLog } from "../../../src/telemetry/usage_log.ts";
import { silent } from "../../driven_source.ts";

export const GC = { seconds: 2, collections: 3, allocatedBytes: 4 };
export const MEMORY = { rss: 9, heapTotal: 3, heapUsed: 2, external: 1 };

export const PROCESS = {
  startSeconds: 1_700_000_000,
  cpuSeconds: () => ({ user: 6, system: 1.5 }),
};

/** Options of an instance; the usage log is one whose file cannot be opened. */
export function knownFigures() {
  return {
    gc: GC,
    memory: () => MEMORY,
    logLines: { lostLines: 5 },
    usageLog: new UsageLog({
      open: () => Promise.reject(new Error("no file")),
      log: silent,
    }),
    processUse: PROCESS,
    missedProbes: () => ({ "event-loop": 6, listener: 7 }),
  } satisfies Partial<QanatOptions>;
}
