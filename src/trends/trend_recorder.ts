// Which channels are recorded: those that match `--trend-match`, and those that somebody has asked for.
// Invariant: a topic is leased while one of its channels is recorded; the rings never take more than their budget.
import type { BlockStore } from "../blocks/block_store.ts";
import { shapesOf } from "../blocks/topic_shape.ts";
import type { Timeline, TimelineListener } from "../blocks/timeline.ts";
import { type Catalog, nameMatcher } from "../channels/catalog.ts";
import { type Channel, topicOf } from "../channels/channel.ts";
import type { Logger } from "../telemetry/log.ts";
import { withRollback } from "../memory/rollback.ts";
import { recordBytes, TrendRecord } from "./trend_record.ts";

export interface TrendRecorderOptions {
  readonly store: BlockStore;
  readonly catalog: Catalog;
  readonly log: Logger;
  /** Milliseconds, monotonic: for slices, and for how long nobody has wanted a channel. */
  readonly clockMs: () => number;
  /** Of all rings together. */
  readonly budgetBytes: number;
  /** How far back bins of 1 s reach. */
  readonly hours: number;
  /** A channel is recorded on without leases. */
  readonly lingerMs: number;
  /** Names of live channels that are recorded always; empty: none. */
  readonly match: string;
}

/** Matched channels that are taken in one tick, so that a large catalogue does not hold up anybody. */
const MATCHES_A_TICK = 100;

/** One partition with recorded channels. */
class TopicReading implements TimelineListener {
  readonly timeline: Timeline;
  readonly records = new Set<TrendRecord>();
  readonly #onSettled: (reading: TopicReading) => void;

  constructor(
    timeline: Timeline,
    onSettled: (reading: TopicReading) => void,
  ) {
    this.timeline = timeline;
    this.#onSettled = onSettled;
    timeline.listeners.add(this);
  }

  onRow(): void {
    this.#onSettled(this);
  }

  onGap(): void {}

  onReset(): void {
    for (const record of this.records) record.reset();
  }

  onReady(): void {
    this.#onSettled(this);
  }
}

/** The trends of one instance. */
export class TrendRecorder {
  readonly counters = {
    /** Matched channels that found no room. */
    refused: 0,
    /** Time spent taking blocks in slices. */
    seconds: 0,
  };
  /** Of channels that are no longer recorded. */
  #lostBlocks = 0;
  readonly budgetBytes: number;
  readonly #options: TrendRecorderOptions;
  readonly #matches: (name: string) => boolean;
  readonly #records = new Map<string, TrendRecord>();
  readonly #readings = new Map<string, TopicReading>();
  /** Partitions with blocks to be taken. */
  readonly #due = new Set<TopicReading>();
  /** Matched channels to be recorded, by name. */
  readonly #wanted = new Map<string, Channel>();
  readonly #unwatch: () => void;
  #usedBytes = 0;
  #isFullTold = false;
  readonly #clockMs: () => number;

  /** Throws BadExpressionError when `match` is none. */
  constructor(options: TrendRecorderOptions) {
    this.#options = options;
    this.budgetBytes = options.budgetBytes;
    this.#clockMs = options.clockMs;
    const { match, catalog } = options;
    this.#matches = match === "" ? () => false : nameMatcher(match);
    if (match !== "") {
      for (const channel of catalog.find({ match })) {
        this.#wanted.set(channel.name, channel);
      }
    }
    this.#unwatch = catalog.onChange((name, replayId, before, after) => {
      if (replayId === null) this.#wanted.delete(name);
      if (before) this.#forget(before, after);
      if (after && this.#isMatched(after)) this.#wanted.set(name, after);
    });
  }

  get channelCount(): number {
    return this.#records.size;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Blocks that the page ring gave up before they were taken. Linear in channels: for /metrics. */
  get lostBlocks(): number {
    let blocks = this.#lostBlocks;
    for (const record of this.#records.values()) blocks += record.lostBlocks;
    return blocks;
  }

  /** Whether blocks wait to be taken. */
  get isDue(): boolean {
    return this.#due.size > 0;
  }

  /** The records of some channels, until `release`; null when there is no memory for them. */
  lease(channels: readonly Channel[]): TrendRecord[] | null {
    return withRollback((rollback) => {
      const records: TrendRecord[] = [];
      for (const channel of channels) {
        const known = this.#records.get(keyOf(channel));
        const record = known ?? this.#begin(channel);
        if (record === null) {
          rollback.rollBack();
          return null;
        }
        record.leases++;
        rollback.add(() => {
          record.leases--;
          if (!known) this.#end(record);
        });
        records.push(record);
      }
      return records;
    });
  }

  release(records: readonly TrendRecord[]): void {
    const clockMs = this.#clockMs();
    for (const record of records) {
      record.leases--;
      record.idleSinceMs = clockMs;
    }
  }

  /** Takes settled blocks until nothing is left (false) or `endMs` has passed (true). */
  run(endMs: number): boolean {
    const beganMs = this.#clockMs();
    const isLeft = this.#take(endMs);
    this.counters.seconds += (this.#clockMs() - beganMs) / 1000;
    return isLeft;
  }

  /** Begins with matched channels, ends with those that nobody wants; call a few times a second. */
  tick(): void {
    let left = MATCHES_A_TICK;
    for (const [name, channel] of this.#wanted) {
      if (left-- === 0) break;
      this.#wanted.delete(name);
      if (this.lease([channel]) !== null) continue;
      this.counters.refused++;
      this.#tellFull(name);
    }
    const idleBefore = this.#clockMs() - this.#options.lingerMs;
    for (const record of this.#records.values()) {
      if (record.leases <= 0 && record.idleSinceMs <= idleBefore) {
        this.#end(record);
      }
    }
  }

  close(): void {
    this.#unwatch();
    this.#wanted.clear();
    for (const record of [...this.#records.values()]) this.#end(record);
  }

  #take(endMs: number): boolean {
    for (const reading of this.#due) {
      for (const record of reading.records) {
        while (record.step()) if (this.#clockMs() >= endMs) return true;
      }
      this.#due.delete(reading);
      if (this.#clockMs() >= endMs) break;
    }
    return this.#due.size > 0;
  }

  #begin(channel: Channel): TrendRecord | null {
    const { store, hours, budgetBytes } = this.#options;
    const bytes = recordBytes(channel, hours);
    if (this.#usedBytes + bytes > budgetBytes) {
      for (const record of this.#records.values()) {
        if (record.leases <= 0) this.#end(record);
      }
      if (this.#usedBytes + bytes > budgetBytes) return null;
    }
    const reading = this.#readings.get(topicOf(channel));
    const { record, of } = withRollback((rollback) => {
      const timeline = reading?.timeline ??
        store.lease(shapesOf([channel]), channel.strideNs);
      if (!reading) rollback.add(() => store.release(timeline));
      const record = new TrendRecord(channel, timeline.partitions[0]!, hours);
      return { record, of: reading ?? this.#read(timeline) };
    });
    of.records.add(record);
    this.#records.set(keyOf(channel), record);
    this.#usedBytes += bytes;
    // What the page ring has of it already.
    this.#due.add(of);
    return record;
  }

  #read(timeline: Timeline): TopicReading {
    const reading = new TopicReading(
      timeline,
      (settled) => this.#due.add(settled),
    );
    this.#readings.set(timeline.partitions[0]!.topic, reading);
    return reading;
  }

  #end(record: TrendRecord): void {
    const { channel } = record;
    const topic = topicOf(channel);
    const reading = this.#readings.get(topic)!;
    this.#records.delete(keyOf(channel));
    this.#usedBytes -= record.bytes;
    this.#lostBlocks += record.lostBlocks;
    reading.records.delete(record);
    if (reading.records.size > 0) return;
    this.#readings.delete(topic);
    this.#due.delete(reading);
    reading.timeline.listeners.delete(reading);
    this.#options.store.release(reading.timeline);
  }

  /** A channel is not what it was: its streams end, and what was recorded of it with them. */
  #forget(before: Channel, after: Channel | undefined): void {
    const topic = topicOf(before);
    const { name, replayId, strideNs, maxLatencyNs } = before;
    // Stride and latency are the partition's.
    const isPartitionNew = after !== undefined &&
      (after.strideNs !== strideNs || after.maxLatencyNs !== maxLatencyNs);
    for (const record of [...this.#records.values()]) {
      const { channel } = record;
      const isSame = channel.name === name && channel.replayId === replayId;
      if (!isSame && !(isPartitionNew && topicOf(channel) === topic)) continue;
      this.#end(record);
      const now = this.#options.catalog.get(channel.name, channel.replayId);
      if (now && this.#isMatched(now)) this.#wanted.set(now.name, now);
    }
  }

  #isMatched({ name, replayId }: Channel): boolean {
    return replayId === null && this.#matches(name);
  }

  #tellFull(channel: string): void {
    if (this.#isFullTold) return;
    this.#isFullTold = true;
    this.#options.log.warn("trends-full", {
      channel,
      channels: this.#records.size,
      budgetBytes: this.budgetBytes,
    });
  }
}

function keyOf({ replayId, name }: Channel): string {
  return JSON.stringify([replayId, name]);
}
