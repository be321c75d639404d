// What the log says about the settings when a service starts.
import type { Logger } from "../telemetry/log.ts";
import { isLoopback } from "./addresses.ts";
import type { AuthSettings } from "./auth_settings.ts";
import type { BlockSettings } from "./block_settings.ts";
import type { ClientSettings } from "./client_settings.ts";
import { flightHostOf, type FlightSettings } from "./flight_settings.ts";
import type { HistorySettings } from "./history_settings.ts";
import { isEmbedded } from "./is_embedded.ts";
import type { KafkaSettings } from "./kafka_settings.ts";
import type { OperatorSettings } from "./operator_settings.ts";
import type { RelaySettings } from "./relay_settings.ts";
import type { ServerSettings } from "./server_settings.ts";
import type { TrendSettings } from "./trend_settings.ts";

const MIB = 1024 * 1024;
/** Resumes that may read from the source at one time, in addition to --history-readers-max. */
const RESUMES = 4;
/** The process itself: V8, code, connections. */
const PROCESS_MB = 200;
/** Each worker, and the thread that reads for several, besides what they share. */
const THREAD_MB = 32;

type MemorySettings =
  & Pick<ServerSettings, "workers">
  & BlockSettings
  & ClientSettings
  & HistorySettings
  & TrendSettings;

/** Settings that decide who can read, and who can listen to tokens. */
type OpennessSettings =
  & Pick<AuthSettings, "auth">
  & Pick<FlightSettings, "flightHost" | "flightPort">
  & Pick<KafkaSettings, "kafka">
  & Pick<RelaySettings, "upstream">
  & Pick<OperatorSettings, "operatorHost" | "operatorPort">
  & Pick<ServerSettings, "host" | "publicUrl" | "tlsCert" | "trustedProxies">;

export interface StartedWith {
  readonly config: MemorySettings & OpennessSettings;
  readonly passedOver: readonly string[];
}

/** Memory that the settings allow the service to take, MiB. Ring, slab, trends and histories are those of all workers. */
export function memoryNeededMb(config: MemorySettings): number {
  const { retentionMb, slabMb, trendMb, historyMb, historyReadersMax } = config;
  const threads = config.workers > 1 ? config.workers + 1 : 0;
  return retentionMb + slabMb + trendMb + PROCESS_MB + threads * THREAD_MB +
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
  { auth, host, kafka, upstream }: Pick<
    OpennessSettings,
    "auth" | "host" | "kafka" | "upstream"
  >,
): boolean {
  const isOthers = !isEmbedded({ kafka, upstream });
  return auth.length === 0 && isOthers && !isLoopback(host);
}

/**
 * The ports to which tokens come over a network without encryption, as far as the settings show it: a proxy that is
 * named is taken to speak TLS with its clients.
 */
export function plainTokenPorts(config: OpennessSettings): readonly string[] {
  const { auth, host, publicUrl, tlsCert, trustedProxies } = config;
  if (auth.length === 0) return [];
  const isEncrypted = tlsCert !== "" || trustedProxies.length > 0;
  const ports = [
    { name: "--port", host, isPlain: !isEncrypted && publicUrl === "" },
    {
      name: "--flight-port",
      host: flightHostOf(config),
      isPlain: !isEncrypted && config.flightPort !== 0,
    },
    {
      name: "--operator-port",
      host: config.operatorHost,
      isPlain: config.operatorPort !== 0,
    },
  ];
  return ports.filter((each) => each.isPlain && !isLoopback(each.host))
    .map(({ name }) => name);
}

/**
 * Logs the ignored variables of Kubernetes, and warns if the settings allow more memory than there is, let everyone in
 * the network read, or let tokens come without encryption.
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
  const ports = plainTokenPorts(config);
  if (ports.length > 0) {
    log.warn("tokens-not-encrypted", {
      ports,
      reason:
        "who listens on the network can read tokens and data; --tls-cert, a proxy with TLS or a private network prevents it",
    });
  }
}
