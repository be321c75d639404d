// Where blocks come from: one interface for Kafka and for the embedded replay.
// Invariant: a source calls its sink only between start() and close(), on the one event loop.
import type { Catalog } from "../channels/catalog.ts";

/** Takes what a source reads. Every call is synchronous; `value` is only valid during the call. */
export interface BlockSink {
  /** One message value of a data topic, in Kafka's order. */
  onMessage(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number,
  ): void;
  /** A fetch that had reached the topic's high watermark held at `atClockMs` of the monotonic clock. */
  onCaughtUp(topic: string, atClockMs: number): void;
  /** The topic's broker failed or its leader moved: publishers, too, may be behind for a while. */
  onDisturbed(topic: string): void;
  /** Offsets `from` (inclusive) to `to` (exclusive) that the log no longer holds or never gave. */
  onHole(topic: string, from: number, to: number): void;
  /** The topic was deleted and made again, or its log was cut: reading starts over at `offset`. */
  onRestart(topic: string, offset: number): void;
}

/** How one wanted topic is doing. */
export interface TopicStatus {
  readonly topic: string;
  readonly state: "starting" | "reading" | "behind" | "unreachable" | "missing";
  /** Offset of the next message to read; -1 before it is known. */
  readonly position: number;
  readonly highWatermark: number;
  /** The end of what is read: behind it there may be open transactions. */
  readonly lastStableOffset: number;
  /** Kafka partitions of the topic, of which only partition 0 is read; 0 before it is known. */
  readonly partitions: number;
}

export interface SourceStatus {
  readonly kind: "kafka" | "embedded";
  /** Metadata has been read to its end at least once. */
  readonly ready: boolean;
  /** False while the source cannot be read (broker away). */
  readonly reachable: boolean;
  /** When it answered last, by the monotonic clock (`performance.now()`); −Infinity before the first answer. */
  readonly lastContactClockMs: number;
  /** Addresses that the cluster names for brokers that are read from, and that cannot be reached. */
  readonly unreachable: readonly string[];
  readonly topics: readonly TopicStatus[];
  /** Topics with more than one Kafka partition, of which only the first is read. */
  readonly wideTopics: number;
  /** Plain counters for /metrics, name → value (e.g. `holes`, `reconnects`, `metadata_bad_records`). */
  readonly counters: Readonly<Record<string, number>>;
  /** Time of the event loop that the source has taken, s, by part. */
  readonly seconds?: Readonly<Record<string, number>>;
}

/** A topic to be read again. */
export interface HistoryTopic {
  readonly topic: string;
  /** GPS ms: no block that begins at or after it is passed over. */
  readonly fromMs: number;
}

/** Where the reading of a topic begins: at the blocks of a GPS time, or at the messages that were produced since a Unix time. */
export type ReadFrom =
  | { readonly kind: "block-time"; readonly ms: number }
  | { readonly kind: "produced"; readonly ms: number };

/** What one read brought of a topic. */
export interface HistoryMessages {
  readonly topic: string;
  /** In the log's order. The values stay as they are until close(). */
  readonly messages: readonly {
    readonly value: Uint8Array;
    /** Kafka's time, Unix ms: by the clock of its publisher or broker, which may be wrong. */
    readonly timestampMs: number;
  }[];
  /** The end of the log as it was when the answer was made. */
  readonly isAtEnd: boolean;
  /** The log no longer reaches back to where the reading began, or was cut under it. */
  readonly isCut: boolean;
}

/** Reads past messages, as much and as fast as it is asked for. Positions only grow. */
export interface HistoryReader {
  /** The next messages of some of the topics; at least one a topic unless it is at its end. Throws when it cannot. */
  read(topics: readonly string[]): Promise<readonly HistoryMessages[]>;
  /** Idempotent; a read that is under way throws. */
  close(): void;
}

/** One place that channels and blocks come from. */
export interface Source {
  readonly catalog: Catalog;
  /** Connects, loads the catalog, resolves when it is loaded or the source is known to be away (it keeps trying). */
  start(sink: BlockSink): Promise<void>;
  /**
   * Fetch this data topic from now on. Idempotent; missing topics are waited for. Returns the ms that `from` came to:
   * a source may not reach back so far.
   */
  subscribe(topic: string, from: ReadFrom): number;
  /** Stop fetching it. Idempotent. */
  unsubscribe(topic: string): void;
  /** Reads past messages again, apart from everything else. */
  openHistory(topics: readonly HistoryTopic[]): HistoryReader;
  status(): SourceStatus;
  /** Bounded: resolves within 3 s even while the broker hangs. */
  close(): Promise<void>;
}
