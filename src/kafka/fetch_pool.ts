// The consumer pool: it reads each subscribed topic once, whatever the number of clients. The cluster's metadata assigns
// topics to brokers by their leaders; there is no consumer group.
// Invariant: a topic's records go to its reader in order, each once.
import type { TopicStatus } from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import type { BrokerLoop, ReadingPool } from "./broker_loop.ts";
import { BrokerLoops } from "./broker_loops.ts";
import type { ClusterMetadata, TopicLeader } from "./cluster_metadata.ts";
import { ClusterWatch } from "./cluster_watch.ts";
import { errorName } from "./error_name.ts";
import type { BrokerAddress, KafkaProtocol } from "./kafka_protocol.ts";
import type { KafkaWork } from "./kafka_work.ts";
import { Outages } from "./outages.ts";
import { PositionFinder } from "./position_finder.ts";
import type { FetchedTopic } from "./topic_parts.ts";
import {
  type ReadingStart,
  type TopicReader,
  TopicReading,
} from "./topic_reading.ts";
import { WideTopics } from "./wide_topics.ts";

export interface FetchPoolOptions {
  readonly protocol: KafkaProtocol;
  readonly work: KafkaWork;
  /** `host:port` of the brokers that are asked first. */
  readonly brokers: readonly string[];
  readonly log: Logger;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: (() => number) | undefined;
  /** Topics without Arrakis's prefix whose blocks are served. @default none */
  readonly mappedTopics?: ReadonlySet<string> | undefined;
  /** Takes the names of all topics that exist, after each metadata refresh. */
  readonly onTopics: (topics: readonly string[]) => void;
}

// Kafka's error codes.
const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC = 3;

/** One instance per process. */
export class FetchPool implements ReadingPool {
  readonly counters = {
    fetches: 0,
    records: 0,
    holes: 0,
    restarts: 0,
    damaged_batches: 0,
    refused_records: 0,
    repeated_records: 0,
    topic_errors: 0,
    reconnects: 0,
    metadata_refreshes: 0,
  };
  readonly log: Logger;
  readonly clockMs: () => number;
  readonly positions: PositionFinder;
  /** When a broker answered last, by the monotonic clock. */
  lastContactClockMs = -Infinity;
  readonly #options: FetchPoolOptions;
  readonly #watch: ClusterWatch;
  readonly #readings = new Map<string, TopicReading>();
  readonly #loops: BrokerLoops;
  readonly #outages: Outages;
  readonly #wide: WideTopics;
  #topics: ReadonlyMap<string, TopicLeader> = new Map();
  #closed = false;

  constructor(options: FetchPoolOptions) {
    this.#options = options;
    this.log = options.log;
    this.clockMs = options.clockMs ?? (() => performance.now());
    this.#outages = new Outages(options.log);
    this.#wide = new WideTopics(options.log, options.mappedTopics);
    this.positions = new PositionFinder({
      listener: this,
      work: options.work,
      onRefused: (reading, errorCode) => this.#refuse(reading, errorCode),
    });
    this.#loops = new BrokerLoops({
      ...options,
      pool: this,
      onEnd: (nodeId) => this.#outages.forget(nodeId),
    });
    this.#watch = new ClusterWatch({
      brokers: options.brokers,
      protocol: options.protocol,
      onMetadata: (metadata, address, isStale) => {
        this.counters.metadata_refreshes++;
        this.#outages.answered(address);
        const isComplete = this.take(metadata, isStale);
        // A cluster counts as away if it answers but none of its leaders does.
        if (this.reachable) this.lastContactClockMs = this.clockMs();
        return isComplete;
      },
      onLost: (address, error, isAll) => {
        if (this.#closed) return;
        this.counters.reconnects++;
        this.#outages.failed(address, error, isAll);
        if (!this.reachable) this.#markAllUnreachable();
      },
    });
  }

  /** Starts to ask for metadata; resolves after the first answer or the first failure. Then: take(). */
  start(): Promise<void> {
    return this.#watch.start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const topic of [...this.#readings.keys()]) this.unsubscribe(topic);
    await Promise.all([this.#loops.close(), this.#watch.close()]);
  }

  subscribe(
    topic: string,
    from: ReadingStart,
    reader: TopicReader,
    isCompacted: boolean = false,
  ): void {
    if (this.#closed || this.#readings.has(topic)) return;
    const options = { from, isCompacted, isRestart: false };
    const reading = new TopicReading(topic, reader, options);
    this.#readings.set(topic, reading);
    const known = this.#topics.get(topic);
    if (known && this.#loops.has(known.leader)) this.#reconcile(reading, known);
    else this.#watch.refresh();
  }

  unsubscribe(topic: string): void {
    const reading = this.#readings.get(topic);
    if (reading) reading.isCancelled = true;
    this.#readings.delete(topic);
  }

  /** Takes the cluster's metadata; true when every subscribed topic has a leader. `isStale`: a newer one follows. Then: BrokerLoops. */
  take(metadata: ClusterMetadata, isStale: boolean = false): boolean {
    if (this.#loops.take(metadata)) this.#markAllDisturbed();
    this.#topics = new Map(
      metadata.topics.filter((t) => t.errorCode !== UNKNOWN_TOPIC)
        .map((t) => [t.topic, t]),
    );
    let isComplete = true;
    for (const reading of [...this.#readings.values()]) {
      const found = this.#topics.get(reading.topic);
      if (found) {
        const isCurrent = !isStale || !reading.awaitsMetadata;
        if (isCurrent) this.#reconcile(reading, found);
      } else {
        reading.state = "missing";
        reading.leader = -1;
      }
      if (!found || found.leader < 0) isComplete = false;
    }
    this.#outages.keep(this.#leaders());
    this.#wide.look(this.#topics);
    this.#options.onTopics([...this.#topics.keys()]);
    return isComplete;
  }

  /** Brings a reading in line with the topic's metadata, and lets it continue. */
  #reconcile(reading: TopicReading, found: TopicLeader): void {
    const { topicId, leader } = found;
    const next = reading.reconciledWith(topicId);
    if (next === null) return;
    if (next !== reading) this.#readings.set(next.topic, next);
    if (leader !== next.leader) {
      if (next.leader >= 0) this.#markAllDisturbed();
      next.leader = leader;
      next.retryAtClockMs = -Infinity;
      next.state = "starting";
    }
    next.awaitsMetadata = false;
    next.partitionCount = found.partitionCount;
    this.#loops.wake(leader);
  }

  due(nodeId: number): TopicReading[] {
    const clockMs = this.clockMs();
    return [...this.#readings.values()].filter((r) => r.isDue(nodeId, clockMs));
  }

  /** Then: TopicReading.take(). */
  deliver(
    reading: TopicReading,
    part: FetchedTopic,
    atClockMs: number,
  ): boolean {
    if (reading.isCancelled) return false;
    const { errorCode } = part;
    if (errorCode === OFFSET_OUT_OF_RANGE) return true;
    if (errorCode === 0) reading.take(part, atClockMs, this);
    else this.#refuse(reading, errorCode);
    return false;
  }

  onAnswer({ nodeId, address }: BrokerLoop): void {
    this.#outages.answered(address, nodeId);
    this.lastContactClockMs = this.clockMs();
  }

  onFailure(loop: BrokerLoop, error: Error): void {
    if (this.#closed) return;
    for (const reading of this.#readings.values()) {
      if (reading.leader !== loop.nodeId) continue;
      // Meanwhile a topic may have been deleted and created again: the metadata shows which one it is now.
      reading.awaitsMetadata = true;
      reading.markUnreachable();
    }
    this.#markAllDisturbed();
    this.counters.reconnects++;
    this.#outages.leaderFailed(loop, error);
    if (!this.reachable) this.#markAllUnreachable();
    this.#watch.refresh();
  }

  /** Kafka refused what was asked of a topic: it waits for new metadata. */
  #refuse(reading: TopicReading, errorCode: number): void {
    this.counters.topic_errors++;
    reading.markDisturbed(this);
    reading.markRefused(errorCode, this.clockMs());
    if (reading.retries === 1) {
      const { topic } = reading;
      this.log.warn("topic-error", { topic, error: errorName(errorCode) });
    }
    this.#watch.refresh();
  }

  #markAllUnreachable(): void {
    for (const reading of this.#readings.values()) reading.markUnreachable();
  }

  /** One broker's outage disturbs every topic: leaders elsewhere wait for the acknowledgements of its followers. */
  #markAllDisturbed(): void {
    for (const reading of this.#readings.values()) reading.markDisturbed(this);
  }

  /** The cluster answers, and so does at least one of the brokers that lead a subscribed topic. */
  get reachable(): boolean {
    return this.#outages.isReachable(this.#leaders());
  }

  /** Addresses that the cluster states for its brokers, and that cannot be reached. */
  get unreachableLeaders(): readonly string[] {
    return this.#outages.lostLeaders(this.#leaders());
  }

  /** Topics with more than one partition. */
  get wideTopics(): number {
    return this.#wide.count;
  }

  /** Nodes that lead a subscribed topic. */
  #leaders(): Set<number> {
    const leaders = new Set<number>();
    for (const { leader } of this.#readings.values()) {
      if (leader >= 0) leaders.add(leader);
    }
    return leaders;
  }

  topics(): TopicStatus[] {
    return [...this.#readings.values()].map((reading) => ({
      topic: reading.topic,
      state: reading.state,
      position: reading.position,
      highWatermark: reading.highWatermark,
      lastStableOffset: reading.lastStableOffset,
      partitions: reading.partitionCount,
    }));
  }

  /** Next offset of a topic to read; −1 before it is known. */
  positionOf(topic: string): number {
    return this.#readings.get(topic)?.position ?? -1;
  }

  /** Where a topic's leader listens; null while none is known. */
  leaderOf(topic: string): BrokerAddress | null {
    const leader = this.#topics.get(topic)?.leader;
    return leader === undefined ? null : this.#loops.addressOf(leader);
  }

  /** Whether the cluster has answered, and has no such topic. */
  isMissing(topic: string): boolean {
    return this.#loops.isKnown && !this.#topics.has(topic);
  }

  /** Asks the cluster for its metadata at once. */
  refresh(): void {
    this.#watch.refresh();
  }
}
