// The consumer pool: every wanted topic is read once, whatever number of clients want it. Partitions are assigned
// by the metadata's leaders; nothing balances. Invariant: a topic's records go to its reader in order, each once.
import type { Logger } from "../telemetry/log.ts";
import type { TopicStatus } from "../source/source.ts";
import { BrokerLoop } from "./broker_loop.ts";
import type { ClusterMetadata, TopicLeader } from "./cluster_metadata.ts";
import { ClusterWatch } from "./cluster_watch.ts";
import type { ConnectionOptions, OffsetLookup } from "./kafkajs_connection.ts";
import { findStarts, type LogAccess } from "./find_starts.ts";
import { errorName } from "./error_name.ts";
import { Outages } from "./outages.ts";
import type { FetchedTopic } from "./topic_parts.ts";
import {
  type ReadingStart,
  type TopicReader,
  TopicReading,
} from "./topic_reading.ts";
import { WideTopics } from "./wide_topics.ts";

export interface FetchPoolOptions extends ConnectionOptions {
  readonly brokers: readonly string[];
  readonly log: Logger;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: (() => number) | undefined;
  /** Hears of every topic that exists, after each metadata refresh. */
  readonly onTopics: (topics: readonly string[]) => void;
}

const BACK_OFF_MIN_MS = 100;
const TOPIC_BACK_OFF_MAX_MS = 5000;

// Kafka's error codes.
const UNKNOWN_SERVER_ERROR = -1;
const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC = 3;

/** One instance per process. */
export class FetchPool {
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
  /** By the monotonic clock. */
  lastContactClockMs = -Infinity;
  readonly #options: FetchPoolOptions;
  readonly #watch: ClusterWatch;
  readonly #wanted = new Map<string, TopicReading>();
  readonly #nodes = new Map<number, BrokerLoop>();
  readonly #ending = new Set<Promise<unknown>>();
  readonly #outages: Outages;
  readonly #wide: WideTopics;
  #topics: ReadonlyMap<string, TopicLeader> = new Map();
  #brokers: ReadonlyMap<number, { host: string; port: number }> = new Map();
  #closed = false;

  constructor(options: FetchPoolOptions) {
    this.#options = options;
    this.log = options.log;
    this.clockMs = options.clockMs ?? (() => performance.now());
    this.#outages = new Outages(options.log);
    this.#wide = new WideTopics(options.log);
    this.#watch = new ClusterWatch({
      brokers: options.brokers,
      connection: options,
      onMetadata: (metadata, address, isStale) => {
        this.counters.metadata_refreshes++;
        this.#outages.answered(address);
        const isComplete = this.take(metadata, isStale);
        // A cluster that answers while none of its leaders does is away all the same.
        if (this.reachable) this.lastContactClockMs = this.clockMs();
        return isComplete;
      },
      onLost: (address, error, isAll) => {
        if (this.#closed) return;
        this.counters.reconnects++;
        this.#outages.failed(address, error, isAll);
        if (!this.reachable) this.#allUnreachable();
      },
    });
  }

  /** The cluster answers, and so does at least one of the brokers that lead a wanted topic. */
  get reachable(): boolean {
    return this.#outages.isReachable(this.#leaders());
  }

  /** Addresses that the cluster names for its brokers, and that cannot be reached. */
  get unreachableLeaders(): readonly string[] {
    return this.#outages.lostLeaders(this.#leaders());
  }

  /** Topics with more than one partition. */
  get wideTopics(): number {
    return this.#wide.count;
  }

  /** Nodes that lead a wanted topic. */
  #leaders(): Set<number> {
    const leaders = new Set<number>();
    for (const { leader } of this.#wanted.values()) {
      if (leader >= 0) leaders.add(leader);
    }
    return leaders;
  }

  /** Begins; resolves after the first metadata answer or the first failure. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  subscribe(
    topic: string,
    from: ReadingStart,
    reader: TopicReader,
    isCompacted: boolean = false,
  ): void {
    if (this.#closed || this.#wanted.has(topic)) return;
    const options = { from, isCompacted, isRestart: false };
    const reading = new TopicReading(topic, reader, options);
    this.#wanted.set(topic, reading);
    const known = this.#topics.get(topic);
    if (known && this.#nodes.has(known.leader)) this.#reconcile(reading, known);
    else this.#watch.refresh();
  }

  unsubscribe(topic: string): void {
    const reading = this.#wanted.get(topic);
    if (reading) reading.isCancelled = true;
    this.#wanted.delete(topic);
  }

  topics(): TopicStatus[] {
    return [...this.#wanted.values()].map((reading) => ({
      topic: reading.topic,
      state: reading.state,
      position: reading.position,
      highWatermark: reading.highWatermark,
      lastStableOffset: reading.lastStableOffset,
      partitions: reading.partitionCount,
    }));
  }

  /** Where a topic's leader listens; null while it has none that is known. */
  leaderOf(topic: string): { host: string; port: number } | null {
    const leader = this.#topics.get(topic)?.leader;
    return leader === undefined ? null : this.#brokers.get(leader) ?? null;
  }

  /** Whether the cluster has been asked, and has no such topic. */
  isMissing(topic: string): boolean {
    return this.#brokers.size > 0 && !this.#topics.has(topic);
  }

  /** Asks the cluster anew for its topics and leaders. */
  refresh(): void {
    this.#watch.refresh();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const topic of [...this.#wanted.keys()]) this.unsubscribe(topic);
    for (const node of this.#nodes.values()) this.#end(node);
    await Promise.all([this.#watch.close(), ...this.#ending]);
  }

  /** Takes what the cluster says; true when every wanted topic has a leader. `isStale`: newer is on its way. */
  take(metadata: ClusterMetadata, isStale: boolean = false): boolean {
    this.#brokers = new Map(metadata.brokers.map((b) => [b.nodeId, b]));
    const named = new Set(metadata.brokers.map((b) => b.nodeId));
    for (const node of this.#nodes.values()) {
      if (named.has(node.nodeId)) continue;
      this.#end(node);
      this.#markAllDisturbed();
    }
    for (const broker of metadata.brokers) {
      const node = this.#nodes.get(broker.nodeId);
      if (node?.address === `${broker.host}:${broker.port}`) continue;
      if (node) this.#end(node);
      const { nodeId } = broker;
      this.#nodes.set(nodeId, new BrokerLoop(this, broker, this.#options));
    }
    this.#topics = new Map(
      metadata.topics.filter((t) => t.errorCode !== UNKNOWN_TOPIC)
        .map((t) => [t.topic, t]),
    );
    let isComplete = true;
    for (const reading of [...this.#wanted.values()]) {
      const found = this.#topics.get(reading.topic);
      if (found) {
        const isSettled = !isStale || !reading.awaitsMetadata;
        if (isSettled) this.#reconcile(reading, found);
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

  /** Compares a reading with what the cluster says of its topic, and lets it go on. */
  #reconcile(reading: TopicReading, found: TopicLeader): void {
    const { topicId, leader } = found;
    if (topicId !== "" && topicId === reading.formerTopicId) return;
    let next = reading;
    if (topicId !== "" && topicId !== reading.topicId) {
      // Deleted and made again: whatever its offsets are now, they are not the old ones.
      if (reading.topicId !== "" && reading.position >= 0) {
        next = reading.successor("earliest");
      }
      next.formerTopicId = reading.topicId;
      next.topicId = topicId;
    } else if (reading.isBeyondEnd) {
      // The same topic, cut: go on behind what was read rather than read days again.
      const { lastTimestampMs } = reading;
      const isSame = topicId !== "" && lastTimestampMs >= 0;
      next = reading.successor(isSame ? lastTimestampMs : "earliest");
    }
    if (next !== reading) this.#wanted.set(next.topic, next);
    if (leader !== next.leader) {
      if (next.leader >= 0) this.#markAllDisturbed();
      next.leader = leader;
      next.retryAtClockMs = -Infinity;
      next.state = "starting";
    }
    next.awaitsMetadata = false;
    next.partitionCount = found.partitionCount;
    this.#nodes.get(leader)?.wake();
  }

  #end(node: BrokerLoop): void {
    this.#nodes.delete(node.nodeId);
    this.#outages.forget(node.nodeId);
    node.stop();
    const ending: Promise<unknown> = node.running.finally(() =>
      this.#ending.delete(ending)
    );
    this.#ending.add(ending);
  }

  // What a broker's loop needs of its pool.

  contact({ nodeId, address }: BrokerLoop): void {
    this.#outages.answered(address, nodeId);
    this.lastContactClockMs = this.clockMs();
  }

  lost(node: BrokerLoop, error: Error): void {
    if (this.#closed) return;
    for (const reading of this.#wanted.values()) {
      if (reading.leader !== node.nodeId) continue;
      // While it was away a topic may have been made again: first learn what it is.
      reading.awaitsMetadata = true;
      if (reading.state !== "missing") reading.state = "unreachable";
    }
    this.#markAllDisturbed();
    this.counters.reconnects++;
    this.#outages.leaderFailed(node, error);
    if (!this.reachable) this.#allUnreachable();
    this.#watch.refresh();
  }

  #allUnreachable(): void {
    for (const reading of this.#wanted.values()) {
      if (reading.state !== "missing") reading.state = "unreachable";
    }
  }

  /** One broker's trouble is every topic's: its followers' acknowledgements are missing at the others. */
  #markAllDisturbed(): void {
    for (const reading of this.#wanted.values()) reading.trouble(this);
  }

  /** Topics to ask a node for now. */
  due(nodeId: number): TopicReading[] {
    const clockMs = this.clockMs();
    return [...this.#wanted.values()].filter((r) => r.isDue(nodeId, clockMs));
  }

  /** Finds where to begin. */
  async place(
    log: LogAccess,
    readings: readonly TopicReading[],
  ): Promise<void> {
    const searched = readings.filter((r) => typeof r.options.from === "object");
    const others = readings.filter((r) => typeof r.options.from !== "object");
    if (others.length > 0) await this.#lookUp(log, others);
    if (searched.length > 0) await this.#search(log, searched);
  }

  async #search(
    log: LogAccess,
    readings: readonly TopicReading[],
  ): Promise<void> {
    const wanted = readings.flatMap(({ topic, options: { from } }) =>
      typeof from === "object"
        ? [{ topic, fromMs: from.blockMs, blockTime: from.blockTime }]
        : []
    );
    const found = await findStarts(log, wanted, this.#options.work);
    for (const reading of readings) {
      const start = found.get(reading.topic)!;
      if (reading.isCancelled) continue;
      if (start.kind === "refused") this.#failed(reading, start.errorCode);
      else reading.begin(start.offset, start.end, this);
    }
  }

  async #lookUp(
    lookup: OffsetLookup,
    readings: readonly TopicReading[],
  ): Promise<void> {
    // The end first: what is written between the two questions is read then, not passed over.
    const ends = await lookup.listOffsets(
      readings.map(({ topic }) => ({ topic, at: "latest" })),
    );
    const begins = await lookup.listOffsets(
      readings.flatMap(({ topic, options: { from } }) =>
        typeof from === "object" ? [] : [{ topic, at: from }]
      ),
    );
    for (const reading of readings) {
      if (reading.isCancelled) continue;
      const begin = begins.get(reading.topic);
      const end = ends.get(reading.topic);
      if (!begin || !end || begin.errorCode || end.errorCode) {
        const errorCode = begin?.errorCode || end?.errorCode;
        this.#failed(reading, errorCode || UNKNOWN_SERVER_ERROR);
        continue;
      }
      const offset = begin.offset < 0 ? end.offset : begin.offset;
      reading.begin(offset, end.offset, this);
    }
  }

  /** After an out-of-range answer, which does not say where the log begins and ends (Kafka 4.1): where to go on. */
  async replace(lookup: OffsetLookup, reading: TopicReading): Promise<void> {
    const { topic } = reading;
    const ask = async (at: "earliest" | "latest") =>
      (await lookup.listOffsets([{ topic, at }])).get(topic);
    const first = await ask("earliest");
    const end = await ask("latest");
    if (reading.isCancelled) return;
    if (!first || !end || first.errorCode || end.errorCode) {
      const errorCode = first?.errorCode || end?.errorCode;
      this.#failed(reading, errorCode || UNKNOWN_SERVER_ERROR);
    } else if (reading.position < first.offset) {
      reading.passTo(first.offset, this);
    } else {
      reading.isBeyondEnd = reading.position > end.offset;
      this.#failed(reading, OFFSET_OUT_OF_RANGE);
    }
  }

  /** Hands out what a fetch brought for a topic. True when its position must be looked up anew. */
  deliver(
    reading: TopicReading,
    fetched: FetchedTopic,
    atClockMs: number,
  ): boolean {
    if (reading.isCancelled) return false;
    const { errorCode } = fetched;
    if (errorCode === OFFSET_OUT_OF_RANGE) return true;
    if (errorCode === 0) reading.take(fetched, atClockMs, this);
    else this.#failed(reading, errorCode);
    return false;
  }

  #failed(reading: TopicReading, errorCode: number): void {
    this.counters.topic_errors++;
    reading.trouble(this);
    reading.retries++;
    reading.state = errorCode === UNKNOWN_TOPIC ? "missing" : "starting";
    reading.awaitsMetadata = true;
    const backOffMs = BACK_OFF_MIN_MS * 2 ** Math.min(reading.retries, 10);
    reading.retryAtClockMs = this.clockMs() +
      Math.min(backOffMs, TOPIC_BACK_OFF_MAX_MS);
    if (reading.retries === 1) {
      const { topic } = reading;
      this.log.warn("topic-error", { topic, error: errorName(errorCode) });
    }
    this.#watch.refresh();
  }
}
