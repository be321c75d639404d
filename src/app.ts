// Wires the parts of one instance and closes them in the reverse order. Nothing is a module-level singleton.
// Imports neither Kafka nor sockets, so that edge runtimes can load it.
import { BlockStore } from "./blocks/block_store.ts";
import type { PartitionBlocks } from "./blocks/partition_blocks.ts";
import { type Clocks, GpsClock } from "./blocks/gps_clock.ts";
import { gpsNsOfMs, unixMsOfGpsMs } from "./blocks/gps_time.ts";
import type { Catalog } from "./channels/catalog.ts";
import { type Channel, topicOf } from "./channels/channel.ts";
import { ClientHub } from "./clients/client_hub.ts";
import { buildOf } from "./telemetry/build_info.ts";
import type { Config } from "./config.ts";
import { ConnectionFigures } from "./http/transport/connection_figures.ts";
import {
  refusedHosts,
  type RefusedNames,
  refusedOrigins,
} from "./http/routes/refused_names.ts";
import { Histogram } from "./telemetry/histogram.ts";
import { finish, type Work } from "./channels/work.ts";
import { RequestLimits } from "./http/limits/request_limits.ts";
import type { Logger } from "./telemetry/log.ts";
import { type MemoryFigures, MemoryUse } from "./telemetry/memory_use.ts";
import { Growth } from "./memory/growth.ts";
import { allocateRing, PageRing } from "./memory/page_ring.ts";
import { Slab } from "./memory/slab.ts";
import { Metrics } from "./telemetry/metrics/metrics.ts";
import type { WatchedPart } from "./supervisor/life_signs.ts";
import {
  refusedAndMissed,
  SetAsideReport,
} from "./telemetry/set_aside_report.ts";
import { TrendRecorder } from "./trends/trend_recorder.ts";
import type { Source, SourceStatus } from "./source/source.ts";

const TICK_MS = 100;
const CLIENT_TICK_MS = 1000;
/** Partitions whose state is read in one part, and its steps. */
const STATUS_PART = 100;
const STATUS_STEPS = 300;
const MIB = 1024 * 1024;
const SYSTEM_CLOCKS: Clocks = {
  nowMs: () => Date.now(),
  clockMs: () => performance.now(),
};

export interface QanatOptions {
  readonly config: Config;
  readonly source: Source;
  readonly log: Logger;
  /** @default those of the system */
  readonly clocks?: Clocks;
  /** Calls back in the next round of the event loop, for tests. @default that of CooperativeScheduler */
  readonly later?: (turn: () => void) => void;
  /** Time in garbage collection; where the runtime has no way to tell, nothing. */
  readonly gc?: {
    readonly seconds: number;
    readonly collections: number;
    readonly allocatedBytes: number;
  };
  /** Reads the memory of the process, where there is a way to. */
  readonly memory?: () => MemoryFigures;
  /** How often a watchdog has missed a part of this instance, where there is one. */
  readonly missedProbes?: (part: WatchedPart) => number;
  /** Where the log's lines go, if lines can be lost there. */
  readonly logLines?: { readonly lostLines: number };
}

/** One instance: source, retained blocks, clients. HTTP is put in front by whoever serves it. */
export class Qanat {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly source: Source;
  readonly ring: PageRing;
  readonly slab: Slab;
  readonly store: BlockStore;
  readonly trends: TrendRecorder;
  readonly hub: ClientHub;
  readonly requests: RequestLimits;
  readonly log: Logger;
  readonly gc: QanatOptions["gc"];
  readonly logLines: QanatOptions["logLines"];
  readonly missedProbes: QanatOptions["missedProbes"];
  readonly memoryUse: MemoryUse | null;
  /** Counted by whoever serves the instance. */
  readonly connections = new ConnectionFigures();
  /** Requests that were refused by their Host, and by their Origin. */
  readonly refusedHosts: RefusedNames;
  readonly refusedOrigins: RefusedNames;
  /** Delay of each tick, seconds. */
  readonly loopDelay = new Histogram();
  readonly clock: GpsClock;
  readonly #clockMs: () => number;
  readonly #metrics: Metrics;
  readonly #setAside: SetAsideReport;
  readonly #startedClockMs: number;
  #timer: ReturnType<typeof setInterval> | null = null;
  #started = false;
  #loopDelayMs = 0;

  constructor(options: QanatOptions) {
    const { config, source, log } = options;
    const clocks = options.clocks ?? SYSTEM_CLOCKS;
    const { clockMs } = clocks;
    this.config = config;
    this.source = source;
    this.catalog = source.catalog;
    this.log = log;
    this.gc = options.gc;
    this.logLines = options.logLines;
    this.missedProbes = options.missedProbes;
    this.clock = new GpsClock({ ...clocks, log });
    this.#clockMs = clockMs;
    this.#startedClockMs = clockMs();
    this.refusedHosts = refusedHosts(config.allowedHosts, log);
    this.refusedOrigins = refusedOrigins(config.corsOrigin, log);
    this.ring = new PageRing(allocateRing(config.retentionMb * MIB));
    this.slab = new Slab({
      budgetBytes: config.slabMb * MIB,
      growth: new Growth(() => performance.now()),
    });
    this.store = new BlockStore({
      ring: this.ring,
      source,
      log,
      clock: this.clock,
      lingerMs: config.lingerMs,
      resumeWindowMs: config.resumeWindowMs,
      futureToleranceMs: config.futureToleranceMs,
      outageWaitMs: config.outageWaitMs,
      outageGraceMs: config.outageGraceMs,
      historyBytes: config.historyMb * MIB,
    });
    this.trends = new TrendRecorder({
      store: this.store,
      catalog: source.catalog,
      log,
      clockMs,
      budgetBytes: config.trendMb * MIB,
      hours: config.trendHours,
      lingerMs: config.lingerMs,
      match: config.trendMatch,
    });
    this.hub = new ClientHub({
      store: this.store,
      trends: this.trends,
      catalog: source.catalog,
      slab: this.slab,
      log,
      clockMs,
      clientsMax: config.clientsMax,
      clientsPerAddressMax: config.clientsPerAddressMax,
      addressSharePercent: config.addressSharePercent,
      inFlightFramesMax: config.inFlightFrames,
      heartbeatMs: config.heartbeatMs,
      writeStallMs: config.writeStallMs,
      catchUpRowsMax: config.catchUpRowsMax,
      retryMs: config.retryMs,
      drainSpreadMs: config.drainSpreadMs,
      historyReadersMax: config.historyReadersMax,
      historyStallMs: config.historyStallMs,
      gapFillRowsMax: config.gapFillRowsMax,
      resumeWindowMs: config.resumeWindowMs,
      outageWaitMs: config.outageWaitMs,
      sliceMs: config.sliceMs,
      later: options.later,
    });
    this.requests = new RequestLimits({ ...config, later: options.later });
    this.memoryUse = options.memory
      ? new MemoryUse({
        read: options.memory,
        budgetBytes: () => this.slab.committedBytes + this.ring.highWaterBytes,
        clients: () => this.hub.clientCount,
      })
      : null;
    this.#metrics = new Metrics(this);
    this.#setAside = new SetAsideReport({
      log,
      clockMs,
      read: () => refusedAndMissed(this),
    });
  }

  /** Reads metadata and begins to tick. */
  async start(): Promise<void> {
    let expectedMs = this.#clockMs() + TICK_MS;
    let clientTickMs = -Infinity;
    this.#timer = setInterval(() => {
      const clockMs = this.#clockMs();
      this.loopDelay.observe(Math.max(0, clockMs - expectedMs) / 1000);
      this.#loopDelayMs = Math.max(
        clockMs - expectedMs,
        this.#loopDelayMs * 0.9,
        0,
      );
      expectedMs = clockMs + TICK_MS;
      this.store.tick();
      if (this.#started) this.trends.tick();
      if (clockMs - clientTickMs < CLIENT_TICK_MS) return;
      clientTickMs = clockMs;
      this.hub.tick();
      this.memoryUse?.tick();
      this.#setAside.tick();
    }, TICK_MS);
    await this.source.start(this.store);
    this.#started = true;
  }

  /** Why requests should go elsewhere; empty when ready. A silent publisher is no reason. */
  notReady(): string[] {
    const { config } = this;
    const status = this.source.status();
    const reasons: string[] = [];
    if (!this.#started) reasons.push("still starting");
    if (!status.ready) reasons.push("metadata not loaded yet");
    const awayMs = this.#clockMs() - status.lastContactClockMs;
    if (!status.reachable && awayMs > config.readyGraceMs) {
      const at = status.unreachable.join(", ");
      reasons.push(
        at === ""
          ? `the ${status.kind} source is unreachable`
          : `the ${status.kind} source is unreachable at ${at}, the address that the cluster names for its broker`,
      );
    }
    if (this.#loopDelayMs > config.eventLoopDelayMaxMs) {
      reasons.push(
        `event loop delay is ${
          Math.round(this.#loopDelayMs)
        } ms, limit ${config.eventLoopDelayMaxMs} ms`,
      );
    }
    return reasons;
  }

  /** Whether a channel's partition is read now and has delivered within its latency. */
  isLive(channel: Channel): boolean {
    const blocks = this.store.partition(topicOf(channel));
    if (!blocks) return channel.replayId === null;
    return blocks.absent === null && blocks.newest >= 0;
  }

  /** GPS time now, ns. */
  nowNs(): bigint {
    return gpsNsOfMs(this.clock.gpsMs());
  }

  get uptimeSeconds(): number {
    return (this.#clockMs() - this.#startedClockMs) / 1000;
  }

  get loopDelayMs(): number {
    return this.#loopDelayMs;
  }

  /** What `/v1/status` shows. */
  status(): Record<string, unknown> {
    return finish(this.statusInSlices());
  }

  /** What `/v1/status` shows, in slices. Times are GPS ns as text, ages in seconds. */
  *statusInSlices(): Work<Record<string, unknown>> {
    const gpsMs = this.clock.gpsMs();
    const { ring, slab, hub, source, store } = this;
    const sourceStatus = source.status();
    const lags = new Map(
      sourceStatus.topics.map(({ topic, position, lastStableOffset }) => [
        topic,
        position < 0 ? null : Math.max(0, lastStableOffset - position),
      ]),
    );
    const partitions = yield* this.#partitionStatus(lags, gpsMs);
    return {
      time_ns: String(gpsNsOfMs(gpsMs)),
      unix_ms: unixMsOfGpsMs(gpsMs),
      clock: {
        wall_ahead_s: this.clock.stepMs / 1000,
        steps: this.clock.counters.steps,
      },
      uptime_s: this.uptimeSeconds,
      build: buildOf(this.config),
      ready: this.notReady().length === 0,
      event_loop_delay_ms: this.#loopDelayMs,
      source: this.#sourceStatus(sourceStatus),
      channels: this.catalog.size,
      channels_refused: {
        total: this.catalog.refused.counts,
        newest: this.catalog.refused.list(),
      },
      clients: hub.clientCount,
      selections: hub.groups.size,
      clients_opened: hub.counters.opened,
      clients_refused: hub.admission.refusals,
      frames_sent: hub.counters.framesSent,
      rows_late: store.lateRows,
      gaps_told: hub.gapsReported,
      past: {
        histories: hub.history.histories,
        resumes: hub.history.resumes,
        waiting: hub.history.waiting,
        ...hub.history.counters,
      },
      ring: {
        capacity_bytes: ring.capacityBytes,
        occupied_bytes: ring.occupiedBytes,
        high_water_bytes: ring.highWaterBytes,
        reclaimed_pages: ring.reclaimedPages,
        held_s: this.store.ringHeldMs / 1000,
      },
      slab: {
        budget_bytes: slab.budgetBytes,
        committed_bytes: slab.committedBytes,
        used_bytes: slab.usedBytes,
        used_slots: slab.usedSlots,
        high_water_bytes: slab.highWaterBytes,
        reserved_bytes: slab.reservedBytes,
        committed_chunks: slab.committedChunks,
      },
      trends: {
        channels: this.trends.channelCount,
        used_bytes: this.trends.usedBytes,
        budget_bytes: this.trends.budgetBytes,
      },
      memory: this.#memoryStatus(),
      lag: {
        p50_ms: msOf(this.store.lag.quantile(0.5)),
        p99_ms: msOf(this.store.lag.quantile(0.99)),
        max_ms: msOf(this.store.lag.max),
      },
      partitions,
    };
  }

  *#partitionStatus(
    lags: ReadonlyMap<string, number | null>,
    gpsMs: number,
  ): Work<readonly Record<string, unknown>[]> {
    const rows: Record<string, unknown>[] = [];
    for (const { blocks, leases } of this.store.partitions()) {
      if (rows.length % STATUS_PART === 0) yield STATUS_STEPS;
      rows.push({
        topic: blocks.topic,
        leases,
        lag_messages: lags.get(blocks.topic) ?? null,
        state: stateOf(blocks),
        newest_end_ns: blocks.newest < 0
          ? null
          : String(BigInt(blocks.newest + 1) * blocks.strideNs),
        age_s: blocks.newest < 0
          ? null
          : (gpsMs - (blocks.newest + 1) * blocks.strideMs) / 1000,
        ...blocks.counters,
      });
    }
    return rows;
  }

  /** Of the monotonic clock only ages mean something to others. */
  #sourceStatus(
    { lastContactClockMs, ...rest }: SourceStatus,
  ): Record<string, unknown> {
    const agoMs = this.#clockMs() - lastContactClockMs;
    const lastContactMs = !Number.isFinite(agoMs)
      ? 0
      : Math.round(this.clock.unixMs() - agoMs);
    return { ...rest, lastContactMs };
  }

  #memoryStatus(): Record<string, number> | null {
    if (!this.memoryUse) return null;
    const { rss, heapTotal, heapUsed, external } = this.memoryUse.read();
    return {
      rss_bytes: rss,
      heap_total_bytes: heapTotal,
      heap_used_bytes: heapUsed,
      external_bytes: external,
      per_client_bytes: Math.round(this.memoryUse.perClientBytes),
    };
  }

  metrics(): Promise<{ text: string; contentType: string }> {
    return this.#metrics.render();
  }

  /** Ends every client properly. Their bytes leave while the server closes. */
  drain(): void {
    this.hub.drain();
  }

  /** Closes in the reverse order; throws when a slot or a lease did not come home. */
  async close(): Promise<void> {
    this.requests.close();
    this.hub.close();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#setAside.close();
    this.trends.close();
    await this.source.close();
    this.store.close();
    for (let turn = 0; turn < 100 && this.slab.usedSlots > 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.slab.assertEmpty();
  }
}

function stateOf(blocks: PartitionBlocks): string {
  if (blocks.aheadMs > 0) return "future";
  return !blocks.primed ? "starting" : blocks.absent ?? "present";
}

function msOf(seconds: number): number | null {
  return Number.isNaN(seconds) ? null : Math.round(seconds * 1e6) / 1e3;
}
