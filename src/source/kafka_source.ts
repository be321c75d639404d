// Kafka as a source: the consumer pool reads data topics, the metadata follower fills the catalog.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { Catalog } from "../channels/catalog.ts";
import { ChannelAdmission } from "../channels/channel_admission.ts";
import type { KafkaProtocol } from "../kafka/kafka_protocol.ts";
import { FetchPool } from "../kafka/fetch_pool.ts";
import type { BlockTime } from "../kafka/find_starts.ts";
import type { KafkaWork } from "../kafka/kafka_work.ts";
import { MetadataFollower } from "../kafka/metadata.ts";
import type { Logger } from "../telemetry/log.ts";
import { KafkaHistory } from "../kafka/kafka_history.ts";
import { type HistoryPart, JoinedHistory } from "../topics/joined_history.ts";
import { MappedTopics } from "../topics/mapped_topics.ts";
import type { TopicMapping } from "../topics/topic_mapping.ts";
import { oldestBlockMs } from "./oldest_block.ts";
import type {
  BlockSink,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
  Source,
  SourceStatus,
} from "./source.ts";

export interface KafkaSourceOptions {
  readonly protocol: KafkaProtocol;
  /** Shared with the protocol. */
  readonly work: KafkaWork;
  /** `host:port` of the brokers that are asked first. */
  readonly brokers: readonly string[];
  readonly catalog: Catalog;
  readonly log: Logger;
  /** The start waits at most this long for the channels, ms. */
  readonly readyGraceMs: number;
  /** Topics of Arrow IPC streams that are no topics of Arrakis. @default none */
  readonly mappings?: readonly TopicMapping[];
}

/** Reads the start time of a message's block. */
function blockTimes(): BlockTime {
  const decoder = new BlockDecoder();
  const layout = newBlockLayout();
  return (value) => {
    if (decoder.decode(value, layout) !== null) return null;
    return Number(layout.timeNs) / 1e6;
  };
}

const CLOSE_MAX_MS = 2500;
const NO_VALUE = new Uint8Array(0);

/** The Kafka source. */
export class KafkaSource implements Source {
  readonly catalog: Catalog;
  readonly #pool: FetchPool;
  readonly #metadata: MetadataFollower;
  readonly #mapped: MappedTopics;
  readonly #readyGraceMs: number;
  readonly #protocol: KafkaProtocol;
  readonly #work: KafkaWork;
  readonly #blockTime = blockTimes();
  #sink: BlockSink | null = null;

  constructor(options: KafkaSourceOptions) {
    this.catalog = options.catalog;
    this.#readyGraceMs = options.readyGraceMs;
    this.#protocol = options.protocol;
    this.#work = options.work;
    const { catalog, log, mappings = [] } = options;
    const pool = this.#pool = new FetchPool({
      ...options,
      mappedTopics: new Set(mappings.map(({ topic }) => topic)),
      onTopics: (topics) => this.#metadata.onTopics(topics),
    });
    const admission = new ChannelAdmission({ catalog, log });
    const mapped = this.#mapped = new MappedTopics({
      mappings,
      pool,
      admission,
      log,
    });
    this.#metadata = new MetadataFollower(pool, catalog, log, {
      admission,
      isReserved: (topic) => mapped.has(topic),
    });
  }

  /** Then: FetchPool.start(). */
  async start(sink: BlockSink): Promise<void> {
    this.#sink = sink;
    await this.#pool.start();
    this.#mapped.start(sink);
    if (!this.#pool.reachable) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#readyGraceMs);
    });
    const ready = Promise.all([this.#metadata.ready(), this.#mapped.ready()]);
    await Promise.race([ready, enough]);
    clearTimeout(timer);
  }

  subscribe(topic: string, from: ReadFrom): number {
    const sink = this.#sink;
    const { kind, ms } = from;
    if (!sink) return ms;
    if (this.#mapped.has(topic)) {
      this.#mapped.subscribe(topic, ms);
      return ms;
    }
    const start = kind === "produced"
      ? Math.max(0, Math.floor(ms))
      : { blockMs: ms, blockTime: this.#blockTime };
    this.#pool.subscribe(topic, start, {
      onRecord: ({ value, offset, timestampMs }) =>
        sink.onMessage(topic, value ?? NO_VALUE, offset, timestampMs),
      onCaughtUp: (atClockMs) => sink.onCaughtUp(topic, atClockMs),
      onDisturbed: () => sink.onDisturbed(topic),
      onHole: (from, to) => sink.onHole(topic, from, to),
      onRestart: (offset) => sink.onRestart(topic, offset),
    });
    return ms;
  }

  openHistory(topics: readonly HistoryTopic[]): HistoryReader {
    const mapped = this.#mapped;
    const plain = topics.filter(({ topic }) => !mapped.has(topic));
    if (plain.length === topics.length) {
      return this.#historyOf(topics, this.#blockTime);
    }
    const parts: HistoryPart[] = topics.filter(({ topic }) => mapped.has(topic))
      .map((topic) => ({
        topics: new Set([topic.topic]),
        reader: mapped.openHistory(
          topic,
          (one, blockTime) => this.#historyOf([one], blockTime),
        ),
      }));
    if (plain.length > 0) {
      parts.push({
        topics: new Set(plain.map(({ topic }) => topic)),
        reader: this.#historyOf(plain, this.#blockTime),
      });
    }
    return new JoinedHistory(parts);
  }

  oldestMs(topic: string): Promise<number | null> {
    return oldestBlockMs(this.openHistory([{ topic, fromMs: 0 }]), topic);
  }

  #historyOf(
    topics: readonly HistoryTopic[],
    blockTime: BlockTime,
  ): HistoryReader {
    return new KafkaHistory({
      protocol: this.#protocol,
      work: this.#work,
      leaders: this.#pool,
      blockTime,
    }, topics);
  }

  unsubscribe(topic: string): void {
    if (this.#mapped.has(topic)) this.#mapped.unsubscribe(topic);
    else this.#pool.unsubscribe(topic);
  }

  status(): SourceStatus {
    const pool = this.#pool;
    return {
      kind: "kafka",
      ready: this.#metadata.isReady && this.#mapped.isReady,
      reachable: this.#pool.reachable,
      lastContactClockMs: this.#pool.lastContactClockMs,
      unreachable: this.#pool.unreachableLeaders,
      // Made when it is looked at: readiness and most figures are not about topics.
      get topics() {
        return pool.topics();
      },
      wideTopics: this.#pool.wideTopics,
      counters: {
        ...this.#pool.counters,
        ...this.#metadata.counters,
        ...this.#mapped.counters,
        slice_peak_ns: this.#work.slices.peakCost,
      },
      seconds: { ...this.#work.time },
    };
  }

  async close(): Promise<void> {
    this.#sink = null;
    this.#mapped.close();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MAX_MS);
    });
    await Promise.race([this.#pool.close(), enough]);
    clearTimeout(timer);
  }
}
