// One instance of Qanat: creates its parts, connects them, starts and closes them. No part is a module-level singleton.
// Imports neither Kafka nor sockets, so that edge runtimes can load it.
// The way of a row follows the order of the constructor: the `source` reads messages and calls the `store`, which keeps
// their blocks in the page `ring` and joins them into rows; the `hub` encodes each row once, in a slot of the `slab`, and
// writes it to the outlets of its clients; src/http, which is put in front by src/worker.ts, opens these outlets.
// `trends` take blocks from the store and give the hub bins instead of rows; `feeds` pass blocks on to relays.
import { BlockStore } from "./blocks/block_store.ts";
import { GpsClock, SYSTEM_CLOCKS } from "./blocks/gps_clock.ts";
import { gpsNsOfMs, unixMsOfGpsMs } from "./blocks/gps_time.ts";
import { AccessControl } from "./auth/access_control.ts";
import type { Catalog } from "./channels/catalog.ts";
import { finish, type SlicedWork } from "./channels/sliced_work.ts";
import type { ClientsQuery } from "./clients/client_search.ts";
import { usageListener } from "./clients/usage_entry.ts";
import { ClientHub } from "./clients/client_hub.ts";
import type { QanatOptions } from "./app_options.ts";
import type { Config } from "./config.ts";
import { FlightFigures } from "./flight/flight_figures.ts";
import { ConnectionFigures } from "./http/transport/connection_figures.ts";
import {
  refusedHosts,
  type RefusedNames,
  refusedOrigins,
} from "./http/limits/refused_names.ts";
import { RequestLimits } from "./http/limits/request_limits.ts";
import type { ProcessAnswers } from "./http/service.ts";
import { AllocationMeter } from "./memory/allocation_meter.ts";
import { allocateRing, PageRing } from "./memory/page_ring.ts";
import { BlockFeeds } from "./relay/block_feeds.ts";
import type { Ring } from "./memory/ring.ts";
import { Slab } from "./memory/slab.ts";
import { slotsReleased } from "./memory/slots_released.ts";
import { LocalSharePools, type SharePools } from "./shares/share_pools.ts";
import type { Source } from "./source/source.ts";
import type { Logger } from "./telemetry/log.ts";
import { type MemoryFigures, MemoryUse } from "./telemetry/memory_use.ts";
import type { Figure } from "./telemetry/metrics/figures.ts";
import { Metrics } from "./telemetry/metrics/metrics.ts";
import { setAsideReport } from "./telemetry/metrics/refused_and_missed.ts";
import type { SetAsideReport } from "./telemetry/set_aside_report.ts";
import { ChannelStates } from "./telemetry/status/channel_states.ts";
import { clientsDocument } from "./telemetry/status/client_list_document.ts";
import { Readiness } from "./telemetry/status/readiness.ts";
import {
  statusDocument,
  type StatusParts,
} from "./telemetry/status/status_document.ts";
import { Ticker } from "./telemetry/ticker.ts";
import type { Trends } from "./trends/recorded_trend.ts";
import { TrendRecorder } from "./trends/trend_recorder.ts";

const MIB = 1024 * 1024;

export type { QanatOptions } from "./app_options.ts";

/** One instance: source, retained blocks, clients. Who serves it puts HTTP in front. */
export class Qanat {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: GpsClock;
  readonly source: Source;
  readonly catalog: Catalog;
  readonly access: AccessControl;
  readonly ring: Ring;
  readonly store: BlockStore;
  readonly feeds: BlockFeeds;
  readonly trends: Trends;
  readonly channelStates: ChannelStates;
  readonly slab: Slab;
  readonly sharePools: SharePools;
  readonly hub: ClientHub;
  readonly requests: RequestLimits;
  /** The servers count these. */
  readonly connections = new ConnectionFigures();
  readonly flight = new FlightFigures();
  /** Requests that were refused by their Host, and by their Origin. */
  readonly refusedHosts: RefusedNames;
  readonly refusedOrigins: RefusedNames;
  readonly memoryUse: MemoryUse | null;
  /** Answers for all threads of the process, where several serve. */
  process: ProcessAnswers | undefined;
  readonly #clockMs: () => number;
  readonly #startedClockMs: number;
  readonly #ticker: Ticker;
  readonly #readiness: Readiness;
  readonly #statusParts: StatusParts;
  readonly #metrics: Metrics;
  /** Null where another thread reports. */
  readonly #setAside: SetAsideReport | null;

  /** Options that have the name of a setting are taken from `config`. */
  constructor(options: QanatOptions) {
    const { config, source, log, later, clocks = SYSTEM_CLOCKS } = options;
    const clockMs = this.#clockMs = clocks.clockMs;
    this.config = config;
    this.log = log;
    this.#startedClockMs = clockMs();
    const clock = this.clock = new GpsClock({ ...clocks, log });
    this.source = source;
    const catalog = this.catalog = source.catalog;
    const ring = this.ring = options.ring ??
      new PageRing(allocateRing(config.retentionMb * MIB));
    const store = this.store = new BlockStore({
      ...config,
      ring,
      source,
      log,
      clock,
      historyBytes: config.historyMb * MIB,
      rowListener: { rowsReleased: () => this.hub.rowsReleased() },
    });
    const trends = this.trends = this.#trendsOf(options);
    this.channelStates = new ChannelStates({
      ...config,
      source,
      store,
      trends,
      clockMs,
    });
    const slab = this.slab = slabOf(config);
    const sharePools = this.sharePools = options.sharePools ??
      new LocalSharePools();
    this.feeds = new BlockFeeds(this, clockMs);
    this.hub = new ClientHub({
      ...config,
      sharePools,
      store,
      trends,
      catalog,
      slab,
      log,
      clockMs,
      inFlightFramesMax: config.inFlightFrames,
      historyFails: (topic) => source.shared?.historyFails(topic) ?? false,
      later,
      onEnded: usageListener(options.usageLog, { clock, clockMs }),
    });
    this.access = this.#accessOf(options);
    this.requests = new RequestLimits({ ...config, sharePools, later });
    this.refusedHosts = refusedHosts(log);
    this.refusedOrigins = refusedOrigins(log);
    this.memoryUse = this.#memoryUseOf(options.memory);
    this.#ticker = this.#tickerOf();
    this.#readiness = this.#readinessOf();
    this.#statusParts = this.#partsOfStatus();
    this.#metrics = this.#metricsOf(options);
    this.#setAside = setAsideReport(this, options, clockMs);
  }

  /** Starts to tick and loads the catalog. Resolves when it is loaded, or the source is known to be unreachable. */
  async start(): Promise<void> {
    this.#ticker.start();
    await this.source.start(this.feeds);
    this.#readiness.isStarted = true;
  }

  #tick(): void {
    this.store.tick();
    this.hub.look();
    if (this.#readiness.isStarted) this.trends.tick();
  }

  #tickSecond(): void {
    this.hub.tick();
    this.feeds.tick();
    this.memoryUse?.tick();
    this.#setAside?.tick();
  }

  /** Why requests should go to another instance; empty when this one is ready. */
  notReady(): string[] {
    return this.#readiness.reasons();
  }

  /** GPS time in ns and Unix time in ms, of one moment. */
  now(): { readonly timeNs: bigint; readonly unixMs: number } {
    const gpsMs = this.clock.gpsMs();
    return { timeNs: gpsNsOfMs(gpsMs), unixMs: unixMsOfGpsMs(gpsMs) };
  }

  /** What /v1/status answers. */
  status(): Record<string, unknown> {
    return finish(this.statusInSlices());
  }

  /** The same, in slices. */
  statusInSlices(): SlicedWork<Record<string, unknown>> {
    return statusDocument(this.#statusParts);
  }

  /** What /v1/clients answers, in slices. */
  clientsInSlices(query: ClientsQuery): SlicedWork<Record<string, unknown>> {
    return clientsDocument(this.#statusParts, query);
  }

  /** The values of /metrics, to be added to those of other threads. */
  figures(): Promise<Figure[]> {
    return this.#metrics.figures();
  }

  /** What /metrics answers. */
  metrics(): Promise<{ text: string; contentType: string }> {
    return this.#metrics.render();
  }

  /** Ends every client with a last event. The bytes leave while the server closes. */
  drain(): void {
    this.hub.drain();
  }

  /** Closes in the reverse order of the constructor; throws when a slot or a lease is still in use. */
  async close(): Promise<void> {
    this.requests.close();
    this.access.close();
    this.hub.close();
    this.feeds.close();
    this.#ticker.close();
    this.#setAside?.close();
    this.trends.close();
    await this.source.close();
    this.store.close();
    await slotsReleased(this.slab);
    this.hub.lifecycle.dropLeaving();
    this.slab.assertEmpty();
  }

  #trendsOf({ config, log, trendsOf }: QanatOptions): Trends {
    if (trendsOf) return trendsOf(() => this.hub.trendsRecorded());
    const { store, catalog } = this;
    const clockMs = this.#clockMs;
    return new TrendRecorder({ ...config, store, catalog, log, clockMs });
  }

  #accessOf({ access }: QanatOptions): AccessControl {
    const control = access ?? new AccessControl({ catalog: this.catalog });
    control.onChange(() => this.hub.rightsChanged());
    control.onChange(() => this.feeds.rightsChanged());
    return control;
  }

  #memoryUseOf(read: (() => MemoryFigures) | undefined): MemoryUse | null {
    if (!read) return null;
    return new MemoryUse({
      read,
      budgetBytes: () => this.slab.committedBytes + this.ring.highWaterBytes,
      clients: () => this.hub.figures.clients,
    });
  }

  #tickerOf(): Ticker {
    return new Ticker({
      clockMs: this.#clockMs,
      onTick: () => this.#tick(),
      onSecond: () => this.#tickSecond(),
    });
  }

  #readinessOf(): Readiness {
    return new Readiness({
      ...this.config,
      source: this.source,
      clockMs: this.#clockMs,
      loopDelayMs: () => this.#ticker.delayMs,
      isDraining: () => this.hub.admission.isClosed,
    });
  }

  #partsOfStatus(): StatusParts {
    return {
      ...this,
      clockMs: this.#clockMs,
      uptimeSeconds: () => (this.#clockMs() - this.#startedClockMs) / 1000,
      isReady: () => this.notReady().length === 0,
      loopDelayMs: () => this.#ticker.delayMs,
    };
  }

  #metricsOf(options: QanatOptions): Metrics {
    const { gc, logLines, missedProbes, processUse, usageLog } = options;
    return new Metrics({
      ...this,
      ...this.#statusParts,
      gc,
      logLines,
      missedProbes,
      processUse,
      ticker: this.#ticker,
      usageLog,
    });
  }
}

/** This thread's part of the slab. */
function slabOf({ slabMb, workers, poisonSlots }: Config): Slab {
  return new Slab({
    budgetBytes: Math.floor(slabMb * MIB / workers),
    poison: poisonSlots,
    allocations: new AllocationMeter(() => performance.now()),
  });
}
