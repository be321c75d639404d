// Where channels and blocks come from: one interface for Kafka and for the embedded source.
// Invariant: a source calls its sink only between start() and close().
import type { Catalog } from "../channels/catalog.ts";

/** Takes the messages and events of a source. Every call is synchronous; `value` is only valid during the call. */
export interface BlockSink {
  /** One message value of a data topic, in Kafka's order. `timestampMs`: when it was produced, Unix ms; -1: not known. */
  onMessage(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number,
  ): void;
  /** A fetch reached the end of the topic's log, as of `atClockMs` of the monotonic clock. */
  onCaughtUp(topic: string, atClockMs: number): void;
  /** The topic's broker failed or its leader moved: its publisher may be delayed as well. */
  onDisturbed(topic: string): void;
  /** The log no longer has offsets `from` (inclusive) to `to` (exclusive), or never had them. */
  onHole(topic: string, from: number, to: number): void;
  /** The topic was deleted and made again, or its log was cut: reading starts over at `offset`. */
  onRestart(topic: string, offset: number): void;
  /**
   * Messages before the next one may be lost, on the way from the thread that reads or from another instance; the log
   * still has them. `isGone`: they are lost, and nothing has them any more.
   */
  onLost(topic: string, isGone?: boolean): void;
  /**
   * Of a shared source: this sink counts the topic's blocks for all from now on. `isFromStart`: also those since it has
   * subscribed; else those after its first onCaughtUp().
   */
  onCounting?(topic: string, isFromStart: boolean): void;
}

/** The state of one subscribed topic. */
export interface TopicStatus {
  /** Name of the topic. */
  readonly topic: string;
  /** `behind`: messages are waiting; `missing`: there is no such topic. */
  readonly state: "starting" | "reading" | "behind" | "unreachable" | "missing";
  /** Offset of the next message to read; -1 before it is known. */
  readonly position: number;
  /** Offset after the newest message. */
  readonly highWatermark: number;
  /** The end of what is read: after it there may be open transactions. */
  readonly lastStableOffset: number;
  /** Kafka partitions of the topic, of which only partition 0 is read; 0 before it is known. */
  readonly partitions: number;
}

/** Another instance that a source may read from. */
export interface UpstreamStatus {
  /** `HOST:PORT`. */
  readonly host: string;
  /** Whether it is the one that is used, or tried next. */
  readonly isUsed: boolean;
  /** `idle`: it has not been tried. */
  readonly state: "idle" | "connected" | "failed";
  /** Since when, ms of the monotonic clock. */
  readonly sinceClockMs: number;
  /** Why it failed last, by kind; null while it is connected. */
  readonly kind: string | null;
  /** The same in words. */
  readonly reason: string | null;
  /** Why it gives no history now; null where it does, or was not asked. */
  readonly historyRefusal: string | null;
  /** How long what it sends is on its way, at most, ms; NaN while that is not known. */
  readonly delayMs: number;
}

/** The state of a source now. */
export interface SourceStatus {
  /** Where blocks come from. */
  readonly kind: "kafka" | "embedded" | "upstream";
  /** Metadata has been read to its end at least once. */
  readonly ready: boolean;
  /** False while no broker can be reached. */
  readonly reachable: boolean;
  /** When it answered last, ms of the monotonic clock; −Infinity before the first answer. */
  readonly lastContactClockMs: number;
  /** Addresses that the cluster states for the brokers of subscribed topics, and that cannot be reached. */
  readonly unreachable: readonly string[];
  /** All that are subscribed. */
  readonly topics: readonly TopicStatus[];
  /** Topics with more than one Kafka partition, of which only the first is read. */
  readonly wideTopics: number;
  /** Plain counters for /metrics, name → value (e.g. `holes`, `reconnects`, `metadata_bad_records`). */
  readonly counters: Readonly<Record<string, number>>;
  /** Time of the event loop that the source has used, s, by part. */
  readonly seconds?: Readonly<Record<string, number>>;
  /** Of a source that reads from other instances: its own id, then those on the way to Kafka. */
  readonly path?: readonly string[];
  /** Of a source that reads from other instances: each of them. */
  readonly upstreams?: readonly UpstreamStatus[];
  /** Failures of all upstreams, by kind. */
  readonly failures?: Readonly<Record<string, number>>;
}

/** A topic to read again. */
export interface HistoryTopic {
  /** Name of the topic. */
  readonly topic: string;
  /** GPS ms: no block that begins at or after it is skipped. */
  readonly fromMs: number;
  /**
   * The log is read as it is now: nothing comes from an earlier reading, which may have what was deleted since.
   * @default false: a source may keep what it has read for others, for a short time
   */
  readonly isNew?: boolean | undefined;
}

/** Where the reading of a topic begins: at the blocks of a GPS ms, or at the messages that were produced since a Unix ms. */
export type ReadFrom =
  | { readonly kind: "block-time"; readonly ms: number }
  | { readonly kind: "produced"; readonly ms: number };

/** The messages of one topic from one read. */
export interface HistoryMessages {
  /** Name of the topic. */
  readonly topic: string;
  /** In the order of the log. The values are valid until close(); the reader does not use their buffers again. */
  readonly messages: readonly {
    readonly value: Uint8Array;
    /** Kafka's timestamp, Unix ms, by the clock of the publisher or broker, which may be wrong. */
    readonly timestampMs: number;
  }[];
  /** The read has reached the end of the log. */
  readonly isAtEnd: boolean;
  /** The log no longer reaches back to where the reading began. */
  readonly isCut: boolean;
}

/** Reads older messages at the pace of its caller. Positions only grow. */
export interface HistoryReader {
  /** The next messages of some topics: at least one of each that is not at its end. Rejects when it cannot read. */
  read(topics: readonly string[]): Promise<readonly HistoryMessages[]>;
  /** Idempotent; a read that is under way rejects. */
  close(): void;
}

/** What the threads that share a source have found out about its topics, for all of them. */
export interface SharedFindings {
  /** Whether a topic's blocks come in time; undefined while no thread reads it. */
  isLive(topic: string): boolean | undefined;
  /** This thread, which counts a topic's blocks for all, has found whether they come in time. */
  setLive(topic: string, isLive: boolean): void;
  /** Whether a reader of any thread has failed to read a topic's history, and has neither succeeded nor ended since. */
  historyFails(topic: string): boolean;
}

/** One source of channels and blocks. */
export interface Source {
  /** Its channels; filled by start(). */
  readonly catalog: Catalog;
  /**
   * Of a source whose blocks several sinks get: what they know together. Each topic is then counted by one of them.
   * @default it has one sink
   */
  readonly shared?: SharedFindings;
  /** Loads the catalog. Resolves when it is loaded, or when the source cannot be reached; then it keeps trying. */
  start(sink: BlockSink): Promise<void>;
  /**
   * Reads this data topic from now on; a topic that does not exist is read once it does. Idempotent. Returns the ms at
   * which reading begins, which is later than `from` where the source does not reach back so far.
   */
  subscribe(topic: string, from: ReadFrom): number;
  /** Ends the reading of a topic. Idempotent. */
  unsubscribe(topic: string): void;
  /** Opens a reader of older messages, apart from the subscriptions. */
  openHistory(topics: readonly HistoryTopic[]): HistoryReader;
  /**
   * GPS ms at which the oldest block begins that a history of a topic gives now; null where it gives none. Each call
   * costs requests (see OldestBlocks); it rejects where the answer cannot be found out. @default never known
   */
  oldestMs?(topic: string): Promise<number | null>;
  /** What it reads now, and whether that works. */
  status(): SourceStatus;
  /** Resolves within 3 s, even while a broker hangs. */
  close(): Promise<void>;
}
