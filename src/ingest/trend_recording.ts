// Records trends once for all serving threads, in the thread that reads: an instance's store without clients follows the
// log that this thread writes. Invariant: following and recording are done in slices, so that they delay no reading.
import { BlockStore } from "../blocks/block_store.ts";
import { type Clocks, GpsClock } from "../blocks/gps_clock.ts";
import { unixMsOfGpsMs } from "../blocks/gps_time.ts";
import type { RowListener } from "../blocks/row_listener.ts";
import type { Catalog } from "../channels/catalog.ts";
import type { Logger } from "../telemetry/log.ts";
import { Ticker } from "../telemetry/ticker.ts";
import { NO_BINS, type OldestBins } from "../trends/oldest_bins.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import { TrendRecorder } from "../trends/trend_recorder.ts";
import type { Ingest } from "./ingest.ts";
import { localPorts } from "./local_ports.ts";
import { TurnSlices } from "./turn_slices.ts";
import { LogSource } from "./log_source.ts";
import type {
  ChannelName,
  ReadingMessage,
  ServingMessage,
} from "./messages.ts";
import type { TrendLender } from "./trend_leases.ts";

export interface TrendRecordingOptions {
  readonly ingest: Ingest;
  /** That of the source. */
  readonly catalog: Catalog;
  readonly log: Logger;
  readonly clocks: Clocks;
  readonly trendMb: number;
  readonly trendHours: number;
  readonly trendMatch: string;
  readonly lingerMs: number;
  readonly resumeWindowMs: number;
  readonly futureToleranceMs: number;
  readonly outageWaitMs: number;
  readonly outageGraceMs: number;
  /** Longest work in one turn of the event loop, ms. */
  readonly sliceMs: number;
  /** See {@linkcode LogSource}. */
  readonly backlogMs?: number | undefined;
}

/** The trends of one process. */
export class TrendRecording implements TrendLender, RowListener {
  /** It counts, and knows what the recording uses. */
  readonly recorder: TrendRecorder;
  /** Of the leases of all threads. */
  readonly leaseSlices: TurnSlices;
  readonly store: BlockStore;
  /** An int32: see `LeasedTrends`. */
  readonly recorded = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #recorded = new Int32Array(this.recorded);
  readonly #catalog: Catalog;
  readonly #source: LogSource;
  readonly #leave: () => void;
  readonly #clockMs: () => number;
  readonly #sliceMs: number;
  readonly #ticker: Ticker;
  #turnTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /** It follows nothing before start(). Rejects with BadExpressionError when `trendMatch` is not an RE2 expression. */
  static async of(options: TrendRecordingOptions): Promise<TrendRecording> {
    const { ingest, catalog, log, clocks, backlogMs } = options;
    const [here, there] = localPorts<ServingMessage, ReadingMessage>();
    const { endLeases: leave } = ingest.serve(there, { hasCatalog: true });
    const clock = new GpsClock({ ...clocks, log });
    const source = new LogSource({
      port: here,
      catalog,
      now: () => {
        const gpsMs = clock.gpsMs();
        return { gpsMs, unixMs: unixMsOfGpsMs(gpsMs) };
      },
      clockMs: clocks.clockMs,
      backlogMs,
    });
    const ring = await source.join();
    const makeStore = (rowListener: RowListener) =>
      new BlockStore({
        ...options,
        ring,
        source,
        clock,
        // It opens none.
        historyBytes: 0,
        rowListener,
      });
    return new TrendRecording(options, { source, leave, makeStore });
  }

  private constructor(
    options: TrendRecordingOptions,
    parts: {
      readonly source: LogSource;
      readonly leave: () => void;
      readonly makeStore: (listener: RowListener) => BlockStore;
    },
  ) {
    const { catalog, clocks: { clockMs }, sliceMs } = options;
    this.#catalog = catalog;
    this.#source = parts.source;
    this.#leave = parts.leave;
    this.#clockMs = clockMs;
    this.#sliceMs = sliceMs;
    this.leaseSlices = new TurnSlices({ clockMs, sliceMs });
    const store = this.store = parts.makeStore(this);
    const isShared = true;
    this.recorder = new TrendRecorder({ ...options, store, clockMs, isShared });
    this.#ticker = new Ticker({
      clockMs,
      onTick: () => this.tick(),
      onSecond: () => {},
    });
  }

  /** Begins to record channels of `trendMatch`, and those that threads lease; once the catalog is loaded. */
  start(): void {
    this.#ticker.start();
    void this.#source.start(this.store);
  }

  /** It is called ten times a second. */
  tick(): void {
    this.store.tick();
    this.recorder.tick();
    this.#schedule();
  }

  /** Blocks have come: they are recorded in the next turn. */
  rowsReleased(): void {
    this.#schedule();
  }

  lease({ name, replayId }: ChannelName): TrendRecord | null {
    const channel = this.#catalog.get(name, replayId);
    const records = channel && !this.#isClosed
      ? this.recorder.lease([channel])
      : null;
    this.#schedule();
    return records?.[0] ?? null;
  }

  oldestBins({ name, replayId }: ChannelName): OldestBins {
    const channel = this.#catalog.get(name, replayId);
    return channel ? this.recorder.oldestBins(channel) : NO_BINS;
  }

  release(records: readonly TrendRecord[]): void {
    this.recorder.release(records);
  }

  cancel(records: readonly TrendRecord[]): void {
    this.recorder.release(records, false);
  }

  /** Stops recording. The leases of all threads have ended before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#ticker.close();
    clearTimeout(this.#turnTimer);
    this.recorder.close();
    await this.#source.close();
    this.store.close();
    this.#leave();
  }

  #schedule(): void {
    if (this.#isClosed || this.#turnTimer !== undefined) return;
    if (!this.recorder.isDue) return;
    this.#turnTimer = setTimeout(() => this.#turn(), 0);
  }

  #turn(): void {
    this.#turnTimer = undefined;
    this.recorder.run(this.#clockMs() + this.#sliceMs);
    Atomics.add(this.#recorded, 0, 1);
    Atomics.notify(this.#recorded, 0);
    this.#schedule();
  }
}
