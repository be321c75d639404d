// Reads one mapped topic all the time, since its messages say what its channels are; hands its blocks to the sink.
// Invariant: each subscribed type gets each message once and in order. A type that is subscribed later makes the topic
// be read again from its time on; the others skip what they have.
import type { DataType } from "../channels/channel.ts";
import type { KafkaRecord } from "../kafka/record_batch.ts";
import type { ReadingStart, TopicReader } from "../kafka/topic_reading.ts";
import type { BlockSink } from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import type { MappedChannels } from "./mapped_channels.ts";
import type { MappedCounters } from "./mapped_counters.ts";
import { blockTopicOf, type TopicMapping } from "./topic_mapping.ts";
import { WideBlocks } from "./wide_blocks.ts";

/** Reads topics; FetchPool is one. */
export interface MappedPool {
  subscribe(topic: string, from: ReadingStart, reader: TopicReader): void;
  unsubscribe(topic: string): void;
  /** Next offset to read; −1 before it is known. */
  positionOf(topic: string): number;
}

export interface MappedTopicOptions {
  readonly mapping: TopicMapping;
  readonly pool: MappedPool;
  readonly channels: MappedChannels;
  readonly counters: MappedCounters;
  readonly log: Logger;
  readonly onReady: () => void;
}

interface Member {
  readonly topic: string;
  /** Offsets below it were handed over. */
  next: number;
}

/** GPS ms after all blocks: reading begins at the last message that can be read. */
const LAST_MESSAGE_MS = Number.MAX_SAFE_INTEGER;

export class MappedTopic implements TopicReader {
  readonly mapping: TopicMapping;
  /** It was read to its end once. */
  isReady = false;
  readonly #options: MappedTopicOptions;
  readonly #blocks: WideBlocks;
  readonly #stamps: WideBlocks;
  readonly #members = new Map<DataType, Member>();
  #sink: BlockSink | null = null;
  /** Offsets below it were read. */
  #next = 0;
  /** GPS ms of the first block of the last message; null before there is one. */
  #lastBlockMs: number | null = null;
  /** Where the current reading began, GPS ms, until it has reached the end of the log; else null. */
  #readingFromMs: number | null = null;
  #isBadLogged = false;
  #isSkipLogged = false;

  constructor(options: MappedTopicOptions) {
    this.#options = options;
    this.mapping = options.mapping;
    this.#blocks = new WideBlocks(options.mapping);
    this.#stamps = new WideBlocks(options.mapping);
  }

  /** Begins to read, for the channels alone. */
  start(sink: BlockSink): void {
    this.#sink = sink;
    this.#read(LAST_MESSAGE_MS);
  }

  close(): void {
    this.#sink = null;
    this.#members.clear();
  }

  /** Hands over the blocks of one type from GPS ms on. */
  subscribe(dataType: DataType, fromMs: number): void {
    if (this.#members.has(dataType) || this.#sink === null) return;
    const topic = blockTopicOf(this.mapping, dataType);
    this.#members.set(dataType, { topic, next: 0 });
    // Not after the last message: the others would miss what they have not read yet.
    const startMs = Math.min(
      fromMs,
      this.#lastBlockMs ?? fromMs,
      this.#readingFromMs ?? fromMs,
    );
    this.#options.pool.unsubscribe(this.mapping.topic);
    this.#read(startMs);
  }

  unsubscribe(dataType: DataType): void {
    this.#members.delete(dataType);
  }

  /** The start of a message's first block, GPS ms; null where it cannot be read. */
  readonly blockTime = (value: Uint8Array): number | null => {
    const stamps = this.#stamps;
    if (stamps.read(value) !== null || stamps.blockCount === 0) return null;
    return Number(stamps.timeNs(0)) / 1e6;
  };

  #read(fromMs: number): void {
    this.#readingFromMs = fromMs;
    const start = { blockMs: fromMs, blockTime: this.blockTime };
    this.#options.pool.subscribe(this.mapping.topic, start, this);
  }

  onRecord({ value, offset, timestampMs }: KafkaRecord): void {
    const isNew = offset >= this.#next;
    if (isNew) this.#next = offset + 1;
    const blocks = this.#blocks;
    const wrong = value === null ? "it has no value" : blocks.read(value);
    if (isNew) this.#note(wrong, offset);
    if (wrong === null) this.#handOver(offset, timestampMs);
    for (const member of this.#members.values()) {
      member.next = Math.max(member.next, offset + 1);
    }
  }

  #handOver(offset: number, timestampMs: number): void {
    const blocks = this.#blocks;
    for (let block = 0; block < blocks.blockCount; block++) {
      for (const [dataType, { topic, next }] of this.#members) {
        if (offset < next) continue;
        const bytes = blocks.block(block, dataType);
        this.#sink?.onMessage(topic, bytes, offset, timestampMs);
      }
    }
  }

  /** Counts a new message, and learns its channels. */
  #note(wrong: string | null, offset: number): void {
    const { counters, channels, log } = this.#options;
    const { topic } = this.mapping;
    counters.topics_messages++;
    if (wrong !== null) {
      counters.topics_bad_messages++;
      if (this.#isBadLogged) return;
      this.#isBadLogged = true;
      log.warn("topic-bad-message", { topic, offset, reason: wrong });
      return;
    }
    const { plan, blockCount, skippedRows } = this.#blocks;
    channels.learn(plan!);
    counters.topics_blocks += blockCount;
    counters.topics_skipped_rows += skippedRows;
    if (blockCount > 0) {
      this.#lastBlockMs = Number(this.#blocks.timeNs(0)) / 1e6;
    }
    if (skippedRows === 0 || this.#isSkipLogged) return;
    this.#isSkipLogged = true;
    log.warn("topic-rows-skipped", {
      topic,
      offset,
      rows: skippedRows,
      reason:
        "their times are not in the grid of rows, or a block of them is not whole",
    });
  }

  onCaughtUp(atClockMs: number): void {
    if (this.#readingFromMs !== null) this.#noteEnd();
    for (const { topic } of this.#members.values()) {
      this.#sink?.onCaughtUp(topic, atClockMs);
    }
    if (this.isReady) return;
    this.isReady = true;
    this.#options.onReady();
  }

  /** The end of the log was reached for the first time since reading began. If it is before what was read, the log is a new one. */
  #noteEnd(): void {
    this.#readingFromMs = null;
    const position = this.#options.pool.positionOf(this.mapping.topic);
    if (position >= 0 && position < this.#next) this.onRestart(position);
  }

  onDisturbed(): void {
    for (const { topic } of this.#members.values()) {
      this.#sink?.onDisturbed(topic);
    }
  }

  onHole(from: number, to: number): void {
    this.#next = Math.max(this.#next, to);
    for (const member of this.#members.values()) {
      const { topic, next } = member;
      if (to <= next) continue;
      member.next = to;
      this.#sink?.onHole(topic, Math.max(from, next), to);
    }
  }

  onRestart(offset: number): void {
    this.#next = offset;
    this.#lastBlockMs = null;
    for (const member of this.#members.values()) {
      member.next = offset;
      this.#sink?.onRestart(member.topic, offset);
    }
  }
}
