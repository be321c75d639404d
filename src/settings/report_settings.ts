// What the log says of the settings when a service starts.
import type { Config } from "../config.ts";
import type { Logger } from "../telemetry/log.ts";

const MIB = 1024 * 1024;
/** As many resumes may read the past at once, beside --history-readers-max. */
const RESUMES = 4;
/** The process itself: V8, code, connections. */
const PROCESS_MB = 200;

export interface StartedWith {
  readonly config: Config;
  readonly passedOver: readonly string[];
}

/** Memory that the settings allow the service to take, MiB. */
export function memoryNeededMb(config: Config): number {
  const { retentionMb, slabMb, trendMb, historyMb, historyReadersMax } = config;
  return retentionMb + slabMb + trendMb + PROCESS_MB +
    historyMb * (historyReadersMax + RESUMES);
}

/** Memory that this process may have, bytes: the machine's or the container's, whichever is less. */
export function memoryLimitBytes(
  read: (path: string) => string = Deno.readTextFileSync,
  machineBytes: number = Deno.systemMemoryInfo().total,
): number {
  let least = machineBytes;
  for (
    const path of [
      "/sys/fs/cgroup/memory.max",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
  ) {
    try {
      const text = read(path).trim();
      if (/^\d+$/.test(text)) least = Math.min(least, Number(text));
    } catch {
      // Not on this machine, or not for us to read: the rest decides.
    }
  }
  return least;
}

/** Logs the variables that were passed over, and warns where the settings allow more memory than there is. */
export function reportSettings(
  { config, passedOver }: StartedWith,
  log: Logger,
  limitBytes: () => number = memoryLimitBytes,
): void {
  if (passedOver.length > 0) {
    log.info("variables-passed-over", {
      names: passedOver,
      reason:
        "Kubernetes sets them for a Service; `enableServiceLinks: false` leaves them out",
    });
  }
  const neededMb = memoryNeededMb(config);
  const limitMb = Math.floor(limitBytes() / MIB);
  if (neededMb > limitMb) {
    log.warn("settings-exceed-memory", {
      neededMb,
      limitMb,
      settings: "retention, slab, trends, histories",
    });
  }
}
