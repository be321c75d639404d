// The document that /v1/status answers.
// Invariant: fields are in snake_case. The document is made in slices, so that thousands of partitions do not delay the event
// loop.
import type { AccessControl } from "../../auth/access_control.ts";
import type { BlockStore } from "../../blocks/block_store.ts";
import type { FlightFigures } from "../../flight/flight_figures.ts";
import type { ConnectionFigures } from "../../http/transport/connection_figures.ts";
import type { GpsClock } from "../../blocks/gps_clock.ts";
import { gpsNsOfMs, unixMsOfGpsMs } from "../../blocks/gps_time.ts";
import type { Catalog } from "../../channels/catalog.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import type { ClientFigures } from "../../clients/client_figures.ts";
import type { Ring } from "../../memory/ring.ts";
import type { BlockFeeds } from "../../relay/block_feeds.ts";
import type { Slab } from "../../memory/slab.ts";
import type { Source } from "../../source/source.ts";
import type { Trends } from "../../trends/recorded_trend.ts";
import { buildOf } from "../build_info.ts";
import type { MemoryUse } from "../memory_use.ts";
import type { ClientListParts } from "./client_list_document.ts";
import { lagStatus } from "./lag_status.ts";
import { partitionStatus } from "./partition_status.ts";
import { sourceStatus } from "./source_status.ts";

/** The parts of an instance that the document describes. */
export interface StatusParts {
  readonly access: Pick<
    AccessControl,
    | "counters"
    | "denied"
    | "fileStates"
    | "isOpen"
    | "jwtFigures"
    | "sessions"
    | "views"
  >;
  readonly config: {
    readonly revision: string;
    readonly flightPort: number;
    readonly tlsCert: string;
  };
  readonly clock: GpsClock;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  readonly uptimeSeconds: () => number;
  readonly isReady: () => boolean;
  readonly loopDelayMs: () => number;
  readonly source: Pick<Source, "status">;
  readonly catalog: Pick<Catalog, "refused" | "size">;
  readonly ring: Ring;
  readonly slab: Slab;
  readonly store: BlockStore;
  readonly trends: Trends;
  readonly hub: ClientListParts["hub"] & { readonly figures: ClientFigures };
  readonly connections: ConnectionFigures;
  readonly flight: FlightFigures;
  readonly feeds: BlockFeeds;
  /** Null where the runtime does not report memory. */
  readonly memoryUse: MemoryUse | null;
}

/** The document, in slices. Times are GPS ns as text, ages and durations seconds unless the name says ms. */
export function* statusDocument(
  parts: StatusParts,
): SlicedWork<Record<string, unknown>> {
  const { catalog, clock, store, trends } = parts;
  const gpsMs = clock.gpsMs();
  const status = parts.source.status();
  const { topics } = status;
  const source = yield* sourceStatus(status, parts);
  const partitions = yield* partitionStatus({ store, topics, gpsMs });
  return {
    time_ns: String(gpsNsOfMs(gpsMs)),
    unix_ms: unixMsOfGpsMs(gpsMs),
    clock: {
      wall_ahead_s: clock.stepMs / 1000,
      steps: clock.counters.steps,
    },
    uptime_s: parts.uptimeSeconds(),
    build: buildOf(parts.config),
    socket_writes: parts.connections.socketWrites,
    ready: parts.isReady(),
    event_loop_delay_ms: parts.loopDelayMs(),
    source,
    channels: catalog.size,
    channels_refused: {
      total: catalog.refused.counts,
      newest: catalog.refused.list(),
    },
    ...accessStatus(parts),
    ...flightStatus(parts),
    ...relayStatus(parts),
    ...clientStatus(parts),
    ring: ringStatus(parts),
    slab: slabStatus(parts.slab),
    trends: {
      channels: trends.channelCount,
      used_bytes: trends.usedBytes,
      budget_bytes: trends.budgetBytes,
    },
    memory: parts.memoryUse ? memoryStatus(parts.memoryUse) : null,
    lag: lagStatus(store.lag),
    partitions,
  };
}

/** Counts, and no names. Absent without authentication. */
function accessStatus({ access }: StatusParts) {
  if (access.isOpen) return {};
  return {
    access: {
      requests: access.counters,
      denied: access.denied,
      views: access.views.size,
      view_channels: access.views.channels,
      files: access.fileStates().map(({ kind, isValid, entries, loads }) => ({
        file: kind,
        valid: isValid,
        entries,
        loads: loads.valid,
        faults: loads.invalid,
      })),
      issuers: [...access.jwtFigures?.issuers ?? []].map((figures) => ({
        issuer: figures.issuer,
        failing_s: figures.failingMs / 1000,
        reads: figures.counters.reads,
        failures: figures.counters.failures,
      })),
    },
  };
}

/** Absent without --flight-port. */
function flightStatus(
  { config: { flightPort, tlsCert }, flight }: StatusParts,
) {
  if (flightPort === 0) return {};
  return {
    flight: {
      port: flightPort,
      tls: tlsCert !== "",
      connections: flight.connections,
      connections_accepted: flight.accepted,
      connections_refused: flight.refused,
      connections_closed: flight.closed,
      calls: flight.calls,
      calls_refused: flight.callsRefused,
      calls_begun: flight.called,
      calls_failed: flight.failed,
    },
  };
}

/** Counts, and no names. Absent without --relay-streams-max. */
function relayStatus({ feeds }: StatusParts) {
  if (!feeds.isServing) return {};
  const { blocks, channels, histories } = feeds.openCounts();
  return {
    relays: {
      block_streams: blocks,
      channel_streams: channels,
      history_streams: histories,
      streams_max: feeds.pool.capacity,
      sent_bytes: feeds.counters.bytes,
      refused: feeds.refused,
      ended: feeds.ended,
    },
  };
}

function clientStatus({ hub: { figures }, store }: StatusParts) {
  const { history } = figures;
  return {
    clients: figures.clients,
    selections: figures.selections,
    clients_opened: figures.counters.opened,
    clients_refused: figures.refusals,
    frames_sent: figures.counters.framesSent,
    rows_late: store.shortRows,
    gaps_told: figures.gapsReported,
    past: {
      histories: history.histories,
      resumes: history.resumes,
      waiting: history.waiting,
      histories_waiting: history.historiesWaiting,
      ...history.counters,
    },
  };
}

function ringStatus({ ring, store }: StatusParts) {
  return {
    capacity_bytes: ring.capacityBytes,
    occupied_bytes: ring.occupiedBytes,
    high_water_bytes: ring.highWaterBytes,
    reclaimed_pages: ring.reclaimedPages,
    held_s: store.ringHeldMs / 1000,
  };
}

function slabStatus(slab: Slab) {
  return {
    budget_bytes: slab.budgetBytes,
    committed_bytes: slab.committedBytes,
    used_bytes: slab.usedBytes,
    used_slots: slab.usedSlots,
    high_water_bytes: slab.highWaterBytes,
    reserved_bytes: slab.reservedBytes,
    committed_chunks: slab.committedChunks,
  };
}

function memoryStatus(memoryUse: MemoryUse) {
  const { rss, heapTotal, heapUsed, external } = memoryUse.read();
  return {
    rss_bytes: rss,
    heap_total_bytes: heapTotal,
    heap_used_bytes: heapUsed,
    external_bytes: external,
    per_client_bytes: Math.round(memoryUse.perClientBytes),
  };
}
