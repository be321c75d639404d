// All topics of --topics, by the names that the block store has for them.
// Invariant: the name of a block's topic is not that of a topic of Kafka.
import type { ChannelAdmission } from "../channels/channel_admission.ts";
import { DATA_TYPES, type DataType } from "../channels/channel.ts";
import type { HistoryReader, HistoryTopic } from "../source/source.ts";
import type { BlockSink } from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import { MappedChannels } from "./mapped_channels.ts";
import { newMappedCounters } from "./mapped_counters.ts";
import { MappedHistory, type OpenHistory } from "./mapped_history.ts";
import { type MappedPool, MappedTopic } from "./mapped_topic.ts";
import { blockTopicOf, type TopicMapping } from "./topic_mapping.ts";

export interface MappedTopicsOptions {
  readonly mappings: readonly TopicMapping[];
  readonly pool: MappedPool & { isMissing(topic: string): boolean };
  readonly admission: ChannelAdmission;
  readonly log: Logger;
  /** @default performance.now */
  readonly clockMs?: () => number;
}

export class MappedTopics {
  readonly counters = newMappedCounters();
  readonly #options: MappedTopicsOptions;
  readonly #topics: readonly MappedTopic[];
  readonly #byBlockTopic = new Map<string, [MappedTopic, DataType]>();
  #onReady: (() => void) | null = null;

  constructor(options: MappedTopicsOptions) {
    this.#options = options;
    const { counters } = this;
    const { clockMs = () => performance.now() } = options;
    this.#topics = options.mappings.map((mapping) => {
      const topic = new MappedTopic({
        ...options,
        mapping,
        counters,
        channels: new MappedChannels({
          ...options,
          mapping,
          counters,
          clockMs,
        }),
        onReady: () => this.#reportReady(),
      });
      for (const dataType of DATA_TYPES) {
        this.#byBlockTopic.set(blockTopicOf(mapping, dataType), [
          topic,
          dataType,
        ]);
      }
      return topic;
    });
  }

  start(sink: BlockSink): void {
    for (const topic of this.#topics) topic.start(sink);
  }

  close(): void {
    for (const topic of this.#topics) topic.close();
  }

  /** Whether a topic of the block store is a mapped one. */
  has(blockTopic: string): boolean {
    return this.#byBlockTopic.has(blockTopic);
  }

  subscribe(blockTopic: string, fromMs: number): void {
    const found = this.#byBlockTopic.get(blockTopic);
    found?.[0].subscribe(found[1], fromMs);
  }

  unsubscribe(blockTopic: string): void {
    const found = this.#byBlockTopic.get(blockTopic);
    found?.[0].unsubscribe(found[1]);
  }

  /** The history of one topic; `open` opens that of a topic of Kafka. */
  openHistory(
    { topic, fromMs }: HistoryTopic,
    open: OpenHistory,
  ): HistoryReader {
    const [mapped, dataType] = this.#byBlockTopic.get(topic)!;
    return new MappedHistory({ topic, fromMs, mapped, dataType, open });
  }

  /** Each topic that exists was read to its end once. */
  get isReady(): boolean {
    const { pool } = this.#options;
    return this.#topics.every(({ isReady, mapping }) =>
      isReady || pool.isMissing(mapping.topic)
    );
  }

  /** Resolves when ready. */
  ready(): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve) => this.#onReady = resolve);
  }

  #reportReady(): void {
    if (!this.isReady) return;
    this.#onReady?.();
    this.#onReady = null;
  }
}
