// Fits the limits of connections and clients to the file descriptors that the process may open.
// Invariant: open connections, connections that wait to be accepted, and all other files together stay below the limit:
// beyond it the runtime stops accepting (docs/decisions/0024).
import type { Logger } from "../telemetry/log.ts";

/** Descriptors for Kafka, files, the log and the watchdog's probes. */
const RESERVE = 64;
/** A reader of history has connections of its own. */
const DESCRIPTORS_PER_HISTORY = 2;
/** Longest queue of connections that wait in the kernel to be accepted. */
export const BACKLOG_MAX = 4096;
/** With a shorter queue, clients whose connection is dropped wait a second before they try again, then longer. */
const BACKLOG_MIN = 128;
/** Connections that are accepted at once and then refused hold descriptors until the next turn of the event loop. */
const BURST_MIN = 16;
/** Connections for everything but streams: the page, probes, metrics. */
const OTHERS_MIN = 8;
const OTHERS_SHARE = 16;
/** Connections of the port for operators, and those that may wait in the kernel to be accepted there. */
export const OPERATOR_CONNECTIONS_MAX = 32;
export const OPERATOR_BACKLOG = 32;
/** Each worker beyond the first one: an event loop, listeners, connections that it refuses (32), probes of the watchdog (4). */
const DESCRIPTORS_PER_WORKER = 48;
/** Counting stops at this number. */
const COUNTED_MAX = 131_072;

export interface BudgetSettings {
  /** 0: `clientsMax` and a tenth more. */
  readonly connectionsMax: number;
  readonly clientsMax: number;
  readonly historyReadersMax: number;
  readonly kafka: readonly string[];
  readonly upstream: readonly string[];
  /** 0: none. */
  readonly operatorPort: number;
  /** Threads that serve. */
  readonly workers: number;
}

/** Limits of a process. */
export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly clientsMax: number;
  /** Connections of a port that may wait in the kernel to be accepted, by one worker. */
  readonly backlog: number;
}

export interface ConnectionBudget extends ConnectionLimits {
  /** What does not fit, as fields of the log line; null when everything fits. */
  readonly shortage: Record<string, number> | null;
}

/** What an operator can do about a shortage. */
const NEXT =
  "raise the hard limit of open files (LimitNOFILE= of systemd, --ulimit nofile= of containers), or lower " +
  "--clients-max to what you need";

/** Connections that the settings ask for. */
export function connectionsWanted(
  { connectionsMax, clientsMax }: BudgetSettings,
): number {
  if (connectionsMax > 0) return connectionsMax;
  return clientsMax + Math.max(64, Math.ceil(clientsMax / 10));
}

/** Descriptors that the settings ask for. */
export function descriptorsWanted(settings: BudgetSettings): number {
  return connectionsWanted(settings) + BACKLOG_MAX + reserveOf(settings);
}

/** Limits that fit. A shortage is logged, with the numbers. Once in a process, as descriptors are counted by opening them. */
export function fitConnections(
  settings: BudgetSettings,
  log: Logger,
): ConnectionLimits {
  const available = countDescriptors(descriptorsWanted(settings));
  const budget = connectionBudget(settings, available);
  const { connectionsMax, clientsMax, backlog, shortage } = budget;
  if (shortage) log.warn("connections-limited", { ...shortage, next: NEXT });
  return { connectionsMax, clientsMax, backlog };
}

/** Limits that fit. `available`: descriptors that can still be opened; null when this is not known. */
export function connectionBudget(
  settings: BudgetSettings,
  available: number | null,
): ConnectionBudget {
  const wanted = connectionsWanted(settings);
  const reserve = reserveOf(settings);
  const room = available === null
    ? Infinity
    : Math.max(BURST_MIN + OTHERS_MIN + 1, available - reserve);
  const burst = Math.min(
    BACKLOG_MAX,
    Math.max(BURST_MIN, Math.floor(room / 8), room - wanted),
  );
  const connectionsMax = Math.min(wanted, room - burst);
  const others = Math.max(
    OTHERS_MIN,
    Math.floor(connectionsMax / OTHERS_SHARE),
  );
  const clientsMax = Math.min(settings.clientsMax, connectionsMax - others);
  const fits = connectionsMax === wanted && clientsMax === settings.clientsMax;
  return {
    connectionsMax,
    clientsMax,
    backlog: Math.max(Math.floor(burst / settings.workers), BACKLOG_MIN),
    shortage: fits ? null : {
      descriptors_available: available ?? -1,
      descriptors_wanted: wanted + BACKLOG_MAX + reserve,
      connections_wanted: wanted,
      connections_max: connectionsMax,
      clients_wanted: settings.clientsMax,
      clients_max: clientsMax,
    },
  };
}

/**
 * How many descriptors can still be opened, counted up to `wanted` by opening them: the service has no permission to
 * read the limit itself. Takes 50 ms for 10,000. Null where they cannot be counted.
 */
export function countDescriptors(wanted: number): number | null {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < Math.min(wanted, COUNTED_MAX)) {
      files.push(Deno.openSync("/dev/null"));
    }
    return files.length < wanted ? null : files.length;
  } catch (error) {
    const isFull = /too many open files/i.test(String(error));
    return isFull ? files.length : null;
  } finally {
    for (const file of files) file.close();
  }
}

/** Streams of a relay to its upstream, without histories. */
const UPSTREAM_STREAMS = 8;

function reserveOf(
  { historyReadersMax, kafka, operatorPort, upstream, workers }: BudgetSettings,
): number {
  const brokers = 2 * kafka.length +
    (upstream.length > 0 ? UPSTREAM_STREAMS : 0);
  const operators = operatorPort === 0
    ? 0
    : OPERATOR_CONNECTIONS_MAX + OPERATOR_BACKLOG;
  return RESERVE + brokers + operators +
    DESCRIPTORS_PER_WORKER * (workers - 1) +
    DESCRIPTORS_PER_HISTORY * (historyReadersMax + 4);
}
