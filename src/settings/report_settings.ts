// What the log says about the settings when a service starts.
import type { Logger } from "../telemetry/log.ts";
import { isLoopback } from "./addresses.ts";
import type { AuthSettings } from "./auth_settings.ts";
import type { BlockSettings } from "./block_settings.ts";
import type { ClientSettings } from "./client_settings.ts";
import type { HistorySettings } from "./history_settings.ts";
import type { KafkaSettings } from "./kafka_settings.ts";
import type { ServerSettings } from "./server_settings.ts";
import type { TrendSettings } from "./trend_settings.ts";

const MIB = 1024 * 1024;
/** Resumes that may read from the source at one time, in addition to --history-readers-max. */
const RESUMES = 4;
/** The process itself: V8, code, connections. */
const PROCESS_MB = 200;

type MemorySettings =
  & BlockSettings
  & ClientSettings
  & HistorySettings
  & TrendSettings;

/** Settings that decide who can read. */
type OpennessSettings =
  & Pick<AuthSettings, "auth">
  & Pick<KafkaSettings, "kafka">
  & Pick<ServerSettings, "host">;

export interface StartedWith {
  readonly config: MemorySettings & OpennessSettings;
  readonly passedOver: readonly string[];
}

/** Memory that the settings allow the service to take, MiB. */
export function memoryNeededMb(config: MemorySettings): number {
  const { retentionMb, slabMb, trendMb, historyMb, historyReadersMax } = config;
  return retentionMb + slabMb + trendMb + PROCESS_MB +
    historyMb * (historyReadersMax + RESUMES);
}

/** Where Linux keeps the limit of a container's memory. */
export const MEMORY_LIMIT_FILES: readonly string[] = [
  "/sys/fs/cgroup/memory.max",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/** Memory that this process may use, bytes: the machine's or the container's, whichever is less. */
export function memoryLimitBytes(
  read: (path: string) => string = Deno.readTextFileSync,
  machineBytes: number = Deno.systemMemoryInfo().total,
): number {
  let least = machineBytes;
  for (const path of MEMORY_LIMIT_FILES) {
    try {
      const text = read(path).trim();
      if (/^\d+$/.test(text)) least = Math.min(least, Number(text));
    } catch {
      // Not on this machine, or not readable: the other sources decide.
    }
  }
  return least;
}

/** Whether everyone in the network may read channels of a Kafka cluster. */
export function isOpenToNetwork(
  { auth, host, kafka }: OpennessSettings,
): boolean {
  return auth.length === 0 && kafka.length > 0 && !isLoopback(host);
}

/**
 * Logs the ignored variables of Kubernetes, and warns if the settings allow more memory than there is, or let everyone
 * in the network read.
 */
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
  if (isOpenToNetwork(config)) {
    log.warn("open-to-network", {
      host: config.host,
      reason:
        "everyone who can connect may read every channel; --auth tokens or --auth jwt restricts it",
    });
  }
}
