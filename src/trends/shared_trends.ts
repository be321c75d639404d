// The trends that another thread records, for one that serves clients.
// Invariant: a record is here while it is leased in this thread; the recording thread knows of each lease until then.
import { type Channel, isSameChannel } from "../channels/channel.ts";
import { NO_BINS, type OldestBins } from "./oldest_bins.ts";
import type { TrendCounters, Trends } from "./recorded_trend.ts";
import { SharedTrend } from "./shared_trend.ts";
import type { TrendMemory } from "./trend_memory.ts";

/** What the recording thread has leased. */
export interface LeasedTrends {
  /** One for each channel that was asked for, in the same order. */
  readonly memories: readonly TrendMemory[];
  /** An int32: it changes, and its waiters are notified, after blocks have been recorded. */
  readonly recorded: SharedArrayBuffer;
}

/** The way to the recording thread. */
export interface TrendPort {
  /** Leases trends. Null: there is no memory for them, or no such channel. It never rejects. */
  lease(channels: readonly Channel[]): Promise<LeasedTrends | null>;
  /** As {@linkcode Trends.oldestBins}; null where there is no answer. It never rejects. */
  oldestBins(channel: Channel): Promise<OldestBins | null>;
  /** Ends so many leases of a record. `isUsed`: a client has used one of them. */
  endLease(id: number, count: number, isUsed: boolean): void;
}

export interface SharedTrendsOptions {
  readonly port: TrendPort;
  /** Most MiB of all rings together, as in the recording thread. */
  readonly trendMb: number;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** Is called after blocks have been recorded that bins waited for. */
  readonly onRecorded: () => void;
  /** Calls when the code that was waiting for a promise has run. @default a timer */
  readonly later?: (call: () => void) => void;
}

const MIB = 1024 * 1024;
/** A wait for the notice ends after this time: it may have come just before. */
const NOTICE_MS = 20;

/** The trends that one serving thread leases. */
export class SharedTrends implements Trends {
  /** The recording thread counts. */
  readonly counters: TrendCounters = {
    refused: 0,
    noMemory: 0,
    seconds: 0,
  };
  readonly channelCount = 0;
  readonly usedBytes = 0;
  readonly lostBlocks = 0;
  readonly isDue = false;
  readonly budgetBytes: number;
  readonly #options: SharedTrendsOptions;
  readonly #later: (call: () => void) => void;
  readonly #records = new Map<string, SharedTrend>();
  /** See {@linkcode LeasedTrends}. */
  #recorded: Int32Array<SharedArrayBuffer> | null = null;
  #isWaiting = false;
  #isClosed = false;

  constructor(options: SharedTrendsOptions) {
    this.#options = options;
    this.budgetBytes = options.trendMb * MIB;
    this.#later = options.later ?? ((call) => setTimeout(call, 0));
  }

  prepare(channels: readonly Channel[]): Promise<void> | null {
    const unknown = channels.filter((channel) => !this.#known(channel));
    if (unknown.length === 0 || this.#isClosed) return null;
    return this.#prepare(channels, unknown);
  }

  async #prepare(
    channels: readonly Channel[],
    unknown: readonly Channel[],
  ): Promise<void> {
    const known = channels.map((channel) => this.#known(channel))
      .filter((record) => record !== undefined);
    for (const record of known) record.leases++;
    const leased = await this.#options.port.lease(unknown);
    const records = leased === null ? [] : this.#take(unknown, leased);
    this.#later(() => this.release([...known, ...records]));
  }

  /** Adds the records that the recording thread has leased, each with a lease. */
  #take(
    channels: readonly Channel[],
    { memories, recorded }: LeasedTrends,
  ): SharedTrend[] {
    this.#recorded ??= new Int32Array(recorded);
    return channels.map((channel, i) => {
      const memory = memories[i]!;
      const before = this.#records.get(keyOf(channel));
      // Two requests may have asked for it at the same time.
      const record = before?.id === memory.id
        ? before
        : this.#recordOf(channel, memory);
      this.#records.set(keyOf(channel), record);
      record.held++;
      record.leases++;
      return record;
    });
  }

  #recordOf(channel: Channel, memory: TrendMemory): SharedTrend {
    const { clockMs } = this.#options;
    const onWait = () => this.#awaitNotice();
    return new SharedTrend({ channel, memory, clockMs, onWait });
  }

  lease(channels: readonly Channel[]): readonly SharedTrend[] | null {
    const records: SharedTrend[] = [];
    for (const channel of channels) {
      const record = this.#known(channel);
      if (record === undefined) return null;
      records.push(record);
    }
    for (const record of records) {
      record.leases++;
      record.isUsed = true;
    }
    return records;
  }

  async oldestBins(channel: Channel): Promise<OldestBins> {
    return await this.#options.port.oldestBins(channel) ?? NO_BINS;
  }

  release(records: readonly SharedTrend[]): void {
    for (const record of records) {
      if (--record.leases > 0) continue;
      const key = keyOf(record.channel);
      if (this.#records.get(key) === record) this.#records.delete(key);
      this.#options.port.endLease(record.id, record.held, record.isUsed);
      record.held = 0;
      record.isUsed = false;
    }
  }

  run(): boolean {
    return false;
  }

  tick(): void {}

  /** Bins are not waited for from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** The record of a channel that is leased; none that was made for what the channel was before. */
  #known(channel: Channel): SharedTrend | undefined {
    const record = this.#records.get(keyOf(channel));
    if (record === undefined || record.isStopped) return undefined;
    return isSameChannel(record.channel, channel) ? record : undefined;
  }

  /** Calls onRecorded() after the next notice. */
  async #awaitNotice(): Promise<void> {
    const recorded = this.#recorded;
    if (this.#isWaiting || recorded === null) return;
    this.#isWaiting = true;
    const seen = Atomics.load(recorded, 0);
    const { async, value } = Atomics.waitAsync(recorded, 0, seen, NOTICE_MS);
    if (async) await value;
    this.#isWaiting = false;
    if (!this.#isClosed) this.#options.onRecorded();
  }
}

function keyOf({ replayId, name }: Channel): string {
  return JSON.stringify([replayId, name]);
}
