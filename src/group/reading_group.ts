// The reading thread's part of what several threads have together: the last figures of each, ended sessions, the usage
// log, the report per minute. Invariant: what exists once per process and is not of the source is here.
import { wallClock } from "../auth/access_control.ts";
import { reportRandomKey } from "../auth/access_of.ts";
import { EndedSessions, type ListedSession } from "../auth/ended_sessions.ts";
import { randomSecret } from "../auth/session_keys.ts";
import type { AuthSettings } from "../settings/auth_settings.ts";
import type { BlockStore } from "../blocks/block_store.ts";
import { finish } from "../channels/sliced_work.ts";
import type { Source } from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import { type MemoryFigures, MemoryUse } from "../telemetry/memory_use.ts";
import {
  type Figure,
  figuresText,
  processFigures,
} from "../telemetry/metrics/figures.ts";
import type { ProcessUse } from "../telemetry/process_use.ts";
import type { GcCounters } from "../telemetry/metrics/memory_metrics.ts";
import type { TrendParts } from "../telemetry/metrics/trend_metrics.ts";
import { ReadingMetrics } from "../telemetry/metrics/reading_metrics.ts";
import { refusedAndMissedOf } from "../telemetry/metrics/refused_and_missed.ts";
import { SetAsideReport } from "../telemetry/set_aside_report.ts";
import { lagStatus } from "../telemetry/status/lag_status.ts";
import { partitionStatus } from "../telemetry/status/partition_status.ts";
import { sourceStatus } from "../telemetry/status/source_status.ts";
import { Ticker } from "../telemetry/ticker.ts";
import type { UsageLog } from "../telemetry/usage_log.ts";
import type { Port } from "../threads/port.ts";
import { ThreadHub } from "../threads/thread_hub.ts";
import type { HubMessage, MemberMessage } from "../threads/thread_messages.ts";
import {
  END_SESSION,
  FIGURES,
  LAST_FIGURES,
  type LastAnswer,
  LOAD,
  type Load,
  START,
  type StartAnswer,
  STATUS,
  USAGE,
} from "./subjects.ts";
import { LastFigures } from "./last_figures.ts";

export interface ReadingGroupOptions {
  readonly settings: Pick<AuthSettings, "auth" | "sessionKeyFile">;
  readonly source: Source;
  /** Of all threads. */
  readonly trends: {
    readonly recorder: TrendParts["trends"];
    /** It counts the blocks of topics that nothing but trends has leased first. */
    readonly store: BlockStore;
  };
  readonly ring: { readonly highWaterBytes: number };
  readonly log: Logger;
  readonly logLines?: { readonly lostLines: number };
  readonly gc?: GcCounters;
  readonly memory: () => MemoryFigures;
  readonly processUse?: ProcessUse;
  readonly usageLog?: UsageLog | undefined;
  /** How often the watchdog missed each part of this thread. */
  readonly missedProbes: () => Readonly<Record<string, number>>;
  /** Monotonic, ms. @default performance.now */
  readonly clockMs?: () => number;
}

/** Of one process. */
export class ReadingGroup {
  readonly hub: ThreadHub;
  readonly #options: ReadingGroupOptions;
  readonly #clockMs: () => number;
  readonly #uptimeSeconds: () => number;
  readonly #figures = new LastFigures();
  readonly #loads = new Map<number, Load>();
  readonly #endedSessions = new EndedSessions();
  readonly #secret = randomSecret();
  /** Numbers of workers that have been served. */
  readonly #served = new Set<number>();
  #replaced = 0;
  readonly #ticker: Ticker;
  readonly #memoryUse: MemoryUse;
  readonly #metrics: ReadingMetrics;
  readonly #report: SetAsideReport;
  /** Of this thread, as last read. */
  #own: readonly Figure[] = [];

  constructor(options: ReadingGroupOptions) {
    this.#options = options;
    const { log, settings } = options;
    const clockMs = this.#clockMs = options.clockMs ??
      (() => performance.now());
    const startedMs = clockMs();
    this.#uptimeSeconds = () => (clockMs() - startedMs) / 1000;
    this.#ticker = new Ticker({
      clockMs,
      onTick: () => this.hub.delays.tick(this.#ticker.delayMs, clockMs()),
      onSecond: () => this.#tickSecond(),
    });
    this.#memoryUse = this.#memoryUseOf();
    this.#metrics = this.#metricsOf();
    this.#report = new SetAsideReport({
      log,
      clockMs,
      read: () => refusedAndMissedOf(this.#all()),
    });
    this.hub = this.#hubOf();
    if (settings.auth.length > 0 && settings.sessionKeyFile === "") {
      reportRandomKey(log);
    }
  }

  /** Starts to tick. */
  start(): void {
    this.#ticker.start();
  }

  /** A worker from now on; its predecessor has ended. Returns how to end that. */
  serve(worker: number, port: Port<HubMessage, MemberMessage>): () => void {
    if (this.#served.has(worker)) this.#replaced++;
    this.#served.add(worker);
    return this.hub.serve(worker, port);
  }

  close(): void {
    this.#ticker.close();
    this.#report.close();
    this.hub.close();
  }

  #hubOf(): ThreadHub {
    const { log } = this.#options;
    return new ThreadHub({
      log,
      answers: {
        [START]: () => this.#startAnswer(),
        [FIGURES]: () => this.#figuresOfThis(),
        [LAST_FIGURES]: (body) => this.#lastFigures(JSON.parse(body)),
        [STATUS]: () => this.#status(),
        [END_SESSION]: (body) => this.#endSession(JSON.parse(body)),
      },
      reports: {
        [FIGURES]: (worker, body) => this.#figures.set(worker, body),
        [LOAD]: (worker, body) => this.#loads.set(worker, JSON.parse(body)),
        [USAGE]: (_, body) => this.#options.usageLog?.write(JSON.parse(body)),
      },
      onAnswer: (subject, { thread, body }) => {
        if (subject === FIGURES) this.#figures.set(thread, body);
      },
      onLeft: (worker) => {
        this.#figures.end(worker);
        this.#loads.delete(worker);
      },
    });
  }

  #memoryUseOf(): MemoryUse {
    const { memory, ring } = this.#options;
    return new MemoryUse({
      read: memory,
      budgetBytes: () =>
        ring.highWaterBytes + this.#sumOf(({ slabBytes }) => slabBytes),
      clients: () => this.#sumOf(({ clients }) => clients),
    });
  }

  #metricsOf(): ReadingMetrics {
    const { source, trends, gc, logLines, missedProbes, usageLog } =
      this.#options;
    const { recorder, store } = trends;
    return new ReadingMetrics({
      source,
      trends: recorder,
      catalog: source.catalog,
      // Workers hand rows out.
      store: { handedOutSeconds: 0, lag: store.lag },
      blocks: store,
      ticker: this.#ticker,
      logLines,
      uptimeSeconds: this.#uptimeSeconds,
      gc,
      memoryUse: this.#memoryUse,
      processUse: this.#options.processUse,
      usageLog,
      missedProbes,
      workersReplaced: () => this.#replaced,
    });
  }

  #tickSecond(): void {
    this.#memoryUse.tick();
    this.#report.tick();
    void this.#readOwn();
  }

  #sumOf(read: (load: Load) => number): number {
    let sum = 0;
    for (const load of this.#loads.values()) sum += read(load);
    return sum;
  }

  async #readOwn(): Promise<readonly Figure[]> {
    return this.#own = await this.#metrics.figures();
  }

  /** Of all threads, each as last known. */
  #all(): readonly Figure[] {
    return processFigures(this.#own, this.#figures.all());
  }

  #startAnswer(): string {
    const answer: StartAnswer = {
      sessionSecret: this.#secret,
      endedSessions: this.#endedSessions.list(),
    };
    return JSON.stringify(answer);
  }

  async #figuresOfThis(): Promise<string> {
    const figures = await this.#readOwn();
    return figuresText({ figures, ended: this.#figures.ended() });
  }

  #lastFigures(workers: readonly number[]): string {
    const answer: LastAnswer = Object.fromEntries(
      workers.map((worker) => [worker, {
        last: this.#figures.last(worker),
        ended: this.#figures.endedOf(worker),
      }]),
    );
    return figuresText(answer);
  }

  #status(): string {
    const { source, trends: { recorder, store } } = this.#options;
    const { catalog } = source;
    return JSON.stringify({
      uptime_s: this.#uptimeSeconds(),
      source: finish(
        sourceStatus(source.status(), {
          clock: { unixMs: wallClock },
          clockMs: this.#clockMs,
        }),
      ),
      channels: catalog.size,
      channels_refused: {
        total: catalog.refused.counts,
        newest: catalog.refused.list(),
      },
      lag: lagStatus(store.lag),
      partitions: finish(
        partitionStatus({
          store,
          topics: source.status().topics,
          gpsMs: store.gpsMs(),
        }),
      ),
      trends: {
        channels: recorder.channelCount,
        used_bytes: recorder.usedBytes,
        budget_bytes: recorder.budgetBytes,
      },
      memory: {
        per_client_bytes: Math.round(this.#memoryUse.perClientBytes),
      },
    });
  }

  #endSession(session: ListedSession): string {
    this.#endedSessions.add(session, wallClock());
    return "";
  }
}
