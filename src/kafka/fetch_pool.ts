// The consumer pool: every wanted topic is read once, whatever number of clients want it. Partitions are assigned
// by the metadata's leaders; nothing balances. Invariant: a topic's records go to its reader in order, each once.
import type { Logger } from "../log.ts";
import type { TopicStatus } from "../source/source.ts";
import { BrokerLoop } from "./broker_loop.ts";
import {
  type ClusterMetadata,
  type ConnectionOptions,
  type FetchedTopic,
  KafkaConnection,
  type KafkaRecord,
} from "./connection.ts";

/** Takes one topic's records. Every call is synchronous. */
export interface TopicReader {
  onRecord(record: KafkaRecord): void;
  onCaughtUp(atMs: number): void;
  /** Offsets that are gone or could not be decoded. */
  onHole(from: number, to: number): void;
  onRestart(offset: number): void;
}

export interface FetchPoolOptions extends ConnectionOptions {
  readonly brokers: readonly string[];
  readonly log: Logger;
  /** Hears of every topic that exists, after each metadata refresh. */
  readonly onTopics: (topics: readonly string[]) => void;
}

/** A topic that is read, and how far. */
export interface Wanted {
  readonly topic: string;
  readonly reader: TopicReader;
  readonly from: number | "earliest";
  /** Holes are normal where the log is compacted. */
  readonly isCompacted: boolean;
  position: number;
  highWatermark: number;
  leader: number;
  state: TopicStatus["state"];
  /** Unix ms before which it is not asked for again. */
  retryAtMs: number;
  retries: number;
  maxBytes: number;
}

const TOPIC_BYTES_MAX = 8 * 1024 * 1024;
const TOPIC_BYTES_LIMIT = 64 * 1024 * 1024;
const METADATA_EVERY_MS = 5000;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 500;
const TOPIC_BACK_OFF_MAX_MS = 5000;

// Kafka's error codes.
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
    topic_errors: 0,
    reconnects: 0,
    metadata_refreshes: 0,
  };
  reachable = false;
  lastContactMs = 0;
  readonly #options: FetchPoolOptions;
  readonly #wanted = new Map<string, Wanted>();
  readonly #nodes = new Map<number, BrokerLoop>();
  readonly #existing = new Set<string>();
  #seed: KafkaConnection | null = null;
  #seedIndex = 0;
  #closed = false;
  #wakeMetadata: (() => void) | null = null;
  #metadataDue = true;
  #running: Promise<void> = Promise.resolve();
  #isLossLogged = false;
  readonly #damageLogged = new Set<string>();

  constructor(options: FetchPoolOptions) {
    this.#options = options;
  }

  /** Begins; resolves after the first metadata answer or the first failure. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#running = this.#followMetadata(resolve);
    });
  }

  want(
    topic: string,
    from: number | "earliest",
    reader: TopicReader,
    isCompacted: boolean = false,
  ): void {
    if (this.#wanted.has(topic)) return;
    this.#wanted.set(topic, {
      topic,
      reader,
      from,
      isCompacted,
      position: -1,
      highWatermark: -1,
      leader: -1,
      state: "starting",
      retryAtMs: 0,
      retries: 0,
      maxBytes: TOPIC_BYTES_MAX,
    });
    this.#assign();
  }

  unwant(topic: string): void {
    this.#wanted.delete(topic);
  }

  topics(): TopicStatus[] {
    return [...this.#wanted.values()].map((w) => ({
      topic: w.topic,
      state: w.state,
      position: w.position,
      highWatermark: w.highWatermark,
    }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wanted.clear();
    this.#wakeMetadata?.();
    this.#seed?.destroy();
    for (const node of this.#nodes.values()) node.stop();
    await Promise.all([
      this.#running,
      ...[...this.#nodes.values()].map((node) => node.running),
    ]);
  }

  #leaders = new Map<string, number>();

  /** Gives every wanted topic its leader's node. */
  #assign(): void {
    for (const wanted of this.#wanted.values()) {
      wanted.leader = this.#leaders.get(wanted.topic) ?? -1;
      const node = this.#nodes.get(wanted.leader);
      if (node) node.wake();
      else this.#refresh();
    }
  }

  #refresh(): void {
    this.#metadataDue = true;
    this.#wakeMetadata?.();
  }

  async #followMetadata(first: () => void): Promise<void> {
    let backOffMs = BACK_OFF_MIN_MS;
    while (!this.#closed) {
      this.#metadataDue = false;
      try {
        const metadata = await this.#askMetadata();
        if (this.#closed) break;
        this.#take(metadata);
        backOffMs = BACK_OFF_MIN_MS;
        first();
        // A missing leader is looked for again soon, everything else at leisure.
        const isIncomplete = [...this.#wanted.values()].some((w) =>
          w.leader < 0
        );
        if (!this.#metadataDue) {
          await this.#pause(isIncomplete ? 500 : METADATA_EVERY_MS);
        } else await this.#pause(BACK_OFF_MIN_MS);
      } catch (error) {
        this.#lost(`${this.#seed?.host}:${this.#seed?.port}`, error as Error);
        first();
        this.#seed = null;
        await this.#pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    this.#seed?.destroy();
  }

  async #askMetadata(): Promise<ClusterMetadata> {
    const { brokers } = this.#options;
    if (this.#seed === null) {
      const address = brokers[this.#seedIndex++ % brokers.length]!;
      const colon = address.lastIndexOf(":");
      this.#seed = new KafkaConnection(
        address.slice(0, colon).replace(/^\[|\]$/g, ""),
        Number(address.slice(colon + 1)),
        this.#options,
      );
    }
    const metadata = await this.#seed.metadata();
    this.counters.metadata_refreshes++;
    this.contact();
    return metadata;
  }

  #take(metadata: ClusterMetadata): void {
    for (const { nodeId, host, port } of metadata.brokers) {
      const node = this.#nodes.get(nodeId);
      if (node && node.host === host && node.port === port) continue;
      node?.stop();
      this.#nodes.set(
        nodeId,
        new BrokerLoop(this, nodeId, host, port, this.#options),
      );
    }
    this.#leaders = new Map(metadata.topics.map((t) => [t.topic, t.leader]));
    this.#existing.clear();
    for (const { topic, errorCode } of metadata.topics) {
      if (errorCode !== UNKNOWN_TOPIC) this.#existing.add(topic);
    }
    for (const wanted of this.#wanted.values()) {
      if (!this.#existing.has(wanted.topic)) wanted.state = "missing";
      const leader = this.#leaders.get(wanted.topic) ?? -1;
      if (leader !== wanted.leader) {
        wanted.leader = leader;
        wanted.retryAtMs = 0;
      }
      this.#nodes.get(leader)?.wake();
    }
    this.#options.onTopics([...this.#existing]);
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeMetadata = () => {
        clearTimeout(timer);
        this.#wakeMetadata = null;
        setTimeout(resolve, this.#closed ? 0 : 20);
      };
    });
  }

  // What a node needs of its pool.

  get isClosed(): boolean {
    return this.#closed;
  }

  contact(): void {
    if (!this.reachable) this.#options.log.info("kafka-reached");
    this.reachable = true;
    this.lastContactMs = Date.now();
  }

  lost(address: string, error: Error): void {
    this.#lost(address, error);
    this.#refresh();
  }

  #lost(address: string, error: Error): void {
    if (this.#closed) return;
    this.counters.reconnects++;
    // Once an outage, the first one at the start included.
    if (this.reachable || this.lastContactMs === 0 && !this.#isLossLogged) {
      this.#isLossLogged = true;
      this.#options.log.warn("kafka-lost", { address, error: error.message });
      for (const wanted of this.#wanted.values()) {
        if (wanted.state !== "missing") wanted.state = "unreachable";
      }
    }
    this.reachable = false;
  }

  /** Topics to ask a node for now. */
  due(nodeId: number): Wanted[] {
    const nowMs = Date.now();
    return [...this.#wanted.values()].filter((w) =>
      w.leader === nodeId && w.retryAtMs <= nowMs
    );
  }

  /** Whether a topic is still wanted by the same reader. */
  isWanted(wanted: Wanted): boolean {
    return this.#wanted.get(wanted.topic) === wanted;
  }

  /** Finds where to begin, and after an out-of-range answer where to go on. */
  async place(
    connection: KafkaConnection,
    wanted: readonly Wanted[],
  ): Promise<void> {
    const found = await connection.listOffsets(
      wanted.map(({ topic, from }) => ({ topic, at: from })),
    );
    const ends = await connection.listOffsets(
      wanted.map(({ topic }) => ({ topic, at: "latest" })),
    );
    for (const topic of wanted) {
      const begin = found.get(topic.topic);
      const end = ends.get(topic.topic);
      if (!begin || !end || begin.errorCode || end.errorCode) {
        this.#failed(topic, begin?.errorCode || end?.errorCode || -1);
        continue;
      }
      topic.position = begin.offset < 0 ? end.offset : begin.offset;
      topic.highWatermark = end.offset;
      topic.retries = 0;
    }
  }

  async replace(connection: KafkaConnection, wanted: Wanted): Promise<void> {
    const ask = async (at: "earliest" | "latest") =>
      (await connection.listOffsets([{ topic: wanted.topic, at }]))
        .get(wanted.topic)?.offset ?? -1;
    const earliest = await ask("earliest");
    const latest = await ask("latest");
    if (earliest < 0 || latest < 0 || !this.isWanted(wanted)) return;
    const { position } = wanted;
    wanted.position = earliest;
    if (position > latest) {
      this.counters.restarts++;
      wanted.reader.onRestart(earliest);
    } else if (position < earliest) {
      this.counters.holes += earliest - position;
      wanted.reader.onHole(position, earliest);
    } else wanted.position = position;
  }

  /** Hands out what a fetch brought for a topic. True when its position must be looked up anew. */
  deliver(wanted: Wanted, fetched: FetchedTopic): boolean {
    if (!this.isWanted(wanted)) return false;
    const { errorCode, highWatermark, nextOffset } = fetched;
    if (errorCode === OFFSET_OUT_OF_RANGE) return true;
    if (errorCode !== 0) {
      this.#failed(wanted, errorCode);
      return false;
    }
    wanted.retries = 0;
    wanted.highWatermark = highWatermark;
    for (const { from, to, reason } of fetched.damaged) {
      this.counters.damaged_batches++;
      if (!this.#damageLogged.has(wanted.topic)) {
        this.#damageLogged.add(wanted.topic);
        this.#options.log.warn("batch-undecodable", {
          topic: wanted.topic,
          from,
          to,
          reason,
        });
      }
      wanted.reader.onHole(from, to);
    }
    let expected = wanted.position;
    for (const record of fetched.records) {
      if (record.offset > expected && !wanted.isCompacted) {
        const isDamaged = fetched.damaged.some((d) => d.to === record.offset);
        if (!isDamaged) {
          this.counters.holes += record.offset - expected;
          wanted.reader.onHole(expected, record.offset);
        }
      }
      wanted.reader.onRecord(record);
      if (!this.isWanted(wanted)) return false;
      expected = record.offset + 1;
    }
    this.counters.records += fetched.records.length;
    if (nextOffset > wanted.position) {
      wanted.position = nextOffset;
      wanted.maxBytes = TOPIC_BYTES_MAX;
    } else if (highWatermark > wanted.position) {
      // A batch larger than asked for, and not first in the answer: ask for more next time.
      wanted.maxBytes = Math.min(2 * wanted.maxBytes, TOPIC_BYTES_LIMIT);
    }
    if (wanted.position >= highWatermark) {
      wanted.state = "reading";
      wanted.reader.onCaughtUp(Date.now());
    } else wanted.state = "behind";
    return false;
  }

  #failed(wanted: Wanted, errorCode: number): void {
    this.counters.topic_errors++;
    wanted.retries++;
    wanted.state = errorCode === UNKNOWN_TOPIC ? "missing" : "starting";
    wanted.retryAtMs = Date.now() +
      Math.min(BACK_OFF_MIN_MS * 2 ** wanted.retries, TOPIC_BACK_OFF_MAX_MS);
    if (wanted.retries === 1) {
      this.#options.log.warn("topic-error", {
        topic: wanted.topic,
        errorCode,
      });
    }
    this.#refresh();
  }
}
