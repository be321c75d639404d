// Decides which channels' trends are recorded: those that match `--trend-match`, and those that streams lease.
// Invariant: a topic is leased while one of its channels is recorded; all rings together stay within their budget.
import type { BlockStore } from "../blocks/block_store.ts";
import { shapesOf } from "../blocks/topic_shape.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Catalog } from "../channels/catalog.ts";
import { type Channel, topicOf } from "../channels/channel.ts";
import type { Logger } from "../telemetry/log.ts";
import { withRollback } from "../memory/rollback.ts";
import { MatchedChannels, type NoMemory } from "./matched_channels.ts";
import { type OldestBins, oldestBinsOf } from "./oldest_bins.ts";
import { RecordedPartition } from "./recorded_partition.ts";
import type { TrendCounters, Trends } from "./recorded_trend.ts";
import { recordBytes, TrendRecord } from "./trend_record.ts";

export interface TrendRecorderOptions {
  readonly store: BlockStore;
  readonly catalog: Catalog;
  readonly log: Logger;
  /** Monotonic clock, ms: for slices of work, and for how long a channel has had no lease. */
  readonly clockMs: () => number;
  /** Most MiB of all rings together. */
  readonly trendMb: number;
  /** How long bins of 1 s are kept, hours. */
  readonly trendHours: number;
  /** How long a channel is still recorded after its last lease, ms. */
  readonly lingerMs: number;
  /** RE2 expression for names of live channels that are always recorded; empty: none. */
  readonly trendMatch: string;
  /** Whether other threads read the bins. @default false */
  readonly isShared?: boolean;
}

const MIB = 1024 * 1024;

/** The trends of one instance. */
export class TrendRecorder implements Trends {
  readonly counters: TrendCounters = {
    refused: 0,
    noMemory: 0,
    seconds: 0,
  };
  /** Lost blocks of channels that are no longer recorded. */
  #lostBlocks = 0;
  readonly budgetBytes: number;
  readonly #options: TrendRecorderOptions;
  readonly #records = new Map<string, TrendRecord>();
  readonly #partitions = new Map<string, RecordedPartition>();
  /** Partitions that may have settled blocks to read. */
  readonly #due = new Set<RecordedPartition>();
  readonly #matched: MatchedChannels;
  readonly #unwatch: () => void;
  #usedBytes = 0;
  /** Records there have been. */
  #begun = 0;
  readonly #clockMs: () => number;

  /** Throws BadExpressionError when `trendMatch` is not an RE2 expression. */
  constructor(options: TrendRecorderOptions) {
    this.#options = options;
    this.budgetBytes = options.trendMb * MIB;
    this.#clockMs = options.clockMs;
    const { catalog } = options;
    const matched = this.#matched = new MatchedChannels({
      ...options,
      counters: this.counters,
      begin: (channel) => this.#tryLease([channel]),
      onFull: (channel) => {
        options.log.warn("trends-full", { channel, ...this.#state() });
      },
    });
    this.#unwatch = catalog.onChange((name, replayId, before, after) => {
      if (before === after) return;
      matched.remove(name, replayId);
      if (before) this.#onChanged(before, after);
      if (after) matched.add(after);
    });
  }

  /** Channels that are recorded. */
  get channelCount(): number {
    return this.#records.size;
  }

  /** Bytes of all rings. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Blocks that left the page ring before they were read. Takes time linear in the channels. */
  get lostBlocks(): number {
    let blocks = this.#lostBlocks;
    for (const record of this.#records.values()) blocks += record.lostBlocks;
    return blocks;
  }

  /** Whether there may be settled blocks to read. */
  get isDue(): boolean {
    return this.#due.size > 0;
  }

  /** Any channel can be leased now. */
  prepare(): null {
    return null;
  }

  /** Leases the records of channels; null when there is no memory for them. The caller releases them. */
  lease(channels: readonly Channel[]): TrendRecord[] | null {
    const leased = this.#tryLease(channels);
    return typeof leased === "string" ? null : leased;
  }

  oldestBins(channel: Channel): OldestBins {
    return oldestBinsOf(this.#records.get(keyOf(channel)));
  }

  /** Ends the leases of records. Those that were used are still recorded for `lingerMs`. */
  release(records: readonly TrendRecord[], isUsed = true): void {
    const clockMs = this.#clockMs();
    for (const record of records) {
      record.leases--;
      if (isUsed) record.idleSinceMs = clockMs;
    }
  }

  /** Reads settled blocks until none is left (false) or the clock passes `endMs` (true). */
  run(endMs: number): boolean {
    const beganMs = this.#clockMs();
    const isLeft = this.#readBlocks(endMs);
    this.counters.seconds += (this.#clockMs() - beganMs) / 1000;
    return isLeft;
  }

  /** Starts the recording of matching channels, and stops that of channels without leases. Call it a few times per second. */
  tick(): void {
    this.#matched.start();
    const idleBefore = this.#clockMs() - this.#options.lingerMs;
    for (const record of this.#records.values()) {
      if (record.leases <= 0 && record.idleSinceMs <= idleBefore) {
        this.#stop(record);
      }
    }
  }

  /** Stops all recording, and releases the topics. */
  close(): void {
    this.#unwatch();
    this.#matched.clear();
    for (const record of [...this.#records.values()]) this.#stop(record);
  }

  /** The records; or why there are none: the limit is reached, or the system has no memory. */
  #tryLease(channels: readonly Channel[]): TrendRecord[] | NoMemory {
    try {
      return this.#leaseAll(channels) ?? "full";
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.counters.noMemory++;
      if (this.counters.noMemory === 1) {
        const { message } = error;
        this.#options.log.error("trends-no-memory", {
          error: message,
          ...this.#state(),
        });
      }
      return "no-memory";
    }
  }

  /** Null when the limit is reached. Throws RangeError where the system has no memory. */
  #leaseAll(channels: readonly Channel[]): TrendRecord[] | null {
    return withRollback((rollback) => {
      const records: TrendRecord[] = [];
      for (const channel of channels) {
        const known = this.#records.get(keyOf(channel));
        const record = known ?? this.#start(channel);
        if (record === null) {
          rollback.rollBack();
          return null;
        }
        record.leases++;
        rollback.add(() => {
          record.leases--;
          if (!known) this.#stop(record);
        });
        records.push(record);
      }
      return records;
    });
  }

  /** For the log. */
  #state(): { readonly channels: number; readonly budgetBytes: number } {
    const { budgetBytes } = this;
    return { channels: this.#records.size, budgetBytes };
  }

  #readBlocks(endMs: number): boolean {
    for (const partition of this.#due) {
      for (const record of partition.records) {
        while (record.step()) if (this.#clockMs() >= endMs) return true;
      }
      this.#due.delete(partition);
      if (this.#clockMs() >= endMs) break;
    }
    return this.#due.size > 0;
  }

  #start(channel: Channel): TrendRecord | null {
    const { store, trendHours: hours, isShared } = this.#options;
    const { budgetBytes } = this;
    const bytes = recordBytes(channel, hours);
    if (this.#usedBytes + bytes > budgetBytes) {
      for (const record of this.#records.values()) {
        if (record.leases <= 0) this.#stop(record);
      }
      if (this.#usedBytes + bytes > budgetBytes) return null;
    }
    const partition = this.#partitions.get(topicOf(channel));
    const { record, of } = withRollback((rollback) => {
      const timeline = partition?.timeline ??
        store.lease(shapesOf([channel]), channel.strideNs);
      if (!partition) rollback.add(() => store.release(timeline));
      const record = new TrendRecord({
        channel,
        partition: timeline.partitions[0]!,
        hours,
        sharedAs: isShared ? this.#begun++ : undefined,
      });
      return { record, of: partition ?? this.#partitionOf(timeline) };
    });
    of.records.add(record);
    this.#records.set(keyOf(channel), record);
    this.#usedBytes += bytes;
    // Blocks that are in the page ring already.
    this.#due.add(of);
    return record;
  }

  #partitionOf(timeline: Timeline): RecordedPartition {
    const partition = new RecordedPartition(
      timeline,
      (settled) => this.#due.add(settled),
    );
    this.#partitions.set(timeline.partitions[0]!.topic, partition);
    return partition;
  }

  #stop(record: TrendRecord): void {
    const { channel } = record;
    const topic = topicOf(channel);
    const partition = this.#partitions.get(topic)!;
    this.#records.delete(keyOf(channel));
    this.#usedBytes -= record.bytes;
    this.#lostBlocks += record.lostBlocks;
    partition.records.delete(record);
    record.stop();
    if (partition.records.size > 0) return;
    this.#partitions.delete(topic);
    this.#due.delete(partition);
    partition.timeline.listeners.delete(partition);
    this.#options.store.release(partition.timeline);
  }

  /** Stops recording a channel that was changed or removed; its streams end, too. A match starts again. */
  #onChanged(before: Channel, after: Channel | undefined): void {
    const topic = topicOf(before);
    const { name, replayId, strideNs, maxLatencyNs } = before;
    // Stride and latency belong to the partition: when they change, all of its channels do.
    const isPartitionNew = after !== undefined &&
      (after.strideNs !== strideNs || after.maxLatencyNs !== maxLatencyNs);
    for (const record of [...this.#records.values()]) {
      const { channel } = record;
      const isSame = channel.name === name && channel.replayId === replayId;
      if (!isSame && !(isPartitionNew && topicOf(channel) === topic)) continue;
      this.#stop(record);
      const now = this.#options.catalog.get(channel.name, channel.replayId);
      if (now) this.#matched.add(now);
    }
  }
}

function keyOf({ replayId, name }: Channel): string {
  return JSON.stringify([replayId, name]);
}
