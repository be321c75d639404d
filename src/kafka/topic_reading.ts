// One subscribed topic: how far it has been read. It hands the records of each fetch to the topic's reader.
// Invariant: `position` only grows. Each offset below it was a record, was reported as a hole, or is one that a compacted
// log may lack; no record below it is handed out again.
import type { Logger } from "../telemetry/log.ts";
import type { TopicStatus } from "../source/source.ts";
import type { BlockTime } from "./find_starts.ts";
import type { KafkaRecord } from "./record_batch.ts";
import type { FetchedTopic, Gap } from "./topic_parts.ts";

/** Takes one topic's records. Every call is synchronous. */
export interface TopicReader {
  onRecord(record: KafkaRecord): void;
  /** The log was read to its end, as of this time of the monotonic clock. */
  onCaughtUp(atClockMs: number): void;
  /** The broker failed, or the leader moved: publishers may be disturbed as well. */
  onDisturbed?(): void;
  /** Offsets that were deleted or could not be decoded. */
  onHole(from: number, to: number): void;
  /** The topic was made again, or its log was cut: reading starts over at `offset`. */
  onRestart(offset: number): void;
}

/** Where a reading begins: at a Kafka timestamp (Unix ms), at the start of the log, or at the blocks of a GPS ms. */
export type ReadingStart =
  | number
  | "earliest"
  | { readonly blockMs: number; readonly blockTime: BlockTime };

export interface ReadingOptions {
  readonly from: ReadingStart;
  /** Holes are normal where the log is compacted. */
  readonly isCompacted: boolean;
  /** The reader is informed of a restart as soon as the first position is known. */
  readonly isRestart: boolean;
}

/** Counted over all topics. */
export interface ReadingCounters {
  records: number;
  holes: number;
  restarts: number;
  damaged_batches: number;
  refused_records: number;
  /** Records below the position that came again, and were not handed out. */
  repeated_records: number;
}

const BYTES_START = 8 * 1024 * 1024;
const BYTES_LIMIT = 64 * 1024 * 1024;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 5000;
/** Kafka's error code. */
const UNKNOWN_TOPIC = 3;

/** A topic that is read. A restart is a new reading, so that answers to requests of the old one are ignored. */
export class TopicReading {
  readonly topic: string;
  readonly reader: TopicReader;
  readonly options: ReadingOptions;
  /** Identifies the topic among those that had its name; empty before it is known. */
  topicId = "";
  /** The id of the topic that had the name before: a broker that lags behind may still state it. */
  formerTopicId = "";
  /** Next offset to read; −1 before it is known. */
  position = -1;
  highWatermark = -1;
  /** The end of what is read: after it there may be open transactions. −1 before it is known. */
  lastStableOffset = -1;
  leader = -1;
  /** Kafka partitions of the topic; only partition 0 is read. 0 before it is known. */
  partitionCount = 0;
  state: TopicStatus["state"] = "starting";
  /** Not fetched before new metadata states the topic's id and leader. */
  awaitsMetadata = false;
  /** The position is beyond the end of the log. */
  isBeyondEnd = false;
  /** Not fetched before this time of the monotonic clock. */
  retryAtClockMs = -Infinity;
  retries = 0;
  maxBytes = BYTES_START;
  /** Kafka's time of the last record, Unix ms; −1 before the first. */
  lastTimestampMs = -1;
  /** Unsubscribed, or replaced by a successor. */
  isCancelled = false;
  /** The records of the last fetch are still being handed out. */
  isBusy = false;
  /** The current answer has moved the position. */
  #hasAdvanced = false;
  #isDamageLogged = false;
  #isRefusalLogged = false;

  constructor(topic: string, reader: TopicReader, options: ReadingOptions) {
    this.topic = topic;
    this.reader = reader;
    this.options = options;
  }

  /**
   * The reading that continues, now that the metadata states this topic id: this one; or its successor, where the topic was
   * made again or its log was cut. Null where the id is that of the former topic: the broker lags behind.
   */
  reconciledWith(topicId: string): TopicReading | null {
    if (topicId !== "" && topicId === this.formerTopicId) return null;
    if (topicId !== "" && topicId !== this.topicId) {
      // Deleted and made again: its offsets are not those of the old topic.
      const hasBegun = this.topicId !== "" && this.position >= 0;
      const next = hasBegun ? this.successor("earliest") : this;
      next.formerTopicId = this.topicId;
      next.topicId = topicId;
      return next;
    }
    if (!this.isBeyondEnd) return this;
    // The same topic, truncated: continue after the last time that was read, rather than read days again.
    const isSame = topicId !== "" && this.lastTimestampMs >= 0;
    return this.successor(isSame ? this.lastTimestampMs : "earliest");
  }

  /** The reading that replaces this one. */
  successor(from: number | "earliest"): TopicReading {
    const { isCompacted } = this.options;
    const options = { from, isCompacted, isRestart: true };
    const next = new TopicReading(this.topic, this.reader, options);
    next.partitionCount = this.partitionCount;
    next.topicId = this.topicId;
    next.formerTopicId = this.formerTopicId;
    next.leader = this.leader;
    this.isCancelled = true;
    return next;
  }

  isDue(nodeId: number, clockMs: number): boolean {
    return this.leader === nodeId && !this.awaitsMetadata &&
      !this.isBusy && this.retryAtClockMs <= clockMs;
  }

  /** Kafka refused what was asked of the topic: not fetched before new metadata, nor before a growing back-off. */
  markRefused(errorCode: number, clockMs: number): void {
    this.retries++;
    this.state = errorCode === UNKNOWN_TOPIC ? "missing" : "starting";
    this.awaitsMetadata = true;
    const backOffMs = BACK_OFF_MIN_MS * 2 ** Math.min(this.retries, 10);
    this.retryAtClockMs = clockMs + Math.min(backOffMs, BACK_OFF_MAX_MS);
  }

  /** The broker that leads the topic, or the cluster, cannot be reached. */
  markUnreachable(): void {
    if (this.state !== "missing") this.state = "unreachable";
  }

  /** Reports to the reader that publishers may be disturbed. */
  markDisturbed(listener: ReadingListener): void {
    this.#report(listener, () => this.reader.onDisturbed?.());
  }

  /** Begins at an offset. `end`: of the log. */
  begin(offset: number, end: number, listener: ReadingListener): void {
    this.position = offset;
    this.highWatermark = end;
    this.lastStableOffset = end;
    this.retries = 0;
    if (!this.options.isRestart) return;
    listener.counters.restarts++;
    this.#report(listener, () => this.reader.onRestart(offset));
  }

  /** Skips offsets that the log no longer holds. */
  passTo(offset: number, listener: ReadingListener): void {
    this.#reportGap(
      { from: this.position, to: offset, damage: null },
      listener,
    );
    this.position = offset;
  }

  /**
   * Hands out a part of an answer without error. `atClockMs`: when its last stable offset was valid. Then: onRecord() of
   * the topic's reader, which for data topics is BlockStore.onMessage().
   */
  take(
    fetched: FetchedTopic,
    atClockMs: number,
    listener: ReadingListener,
  ): void {
    const { highWatermark, lastStableOffset, nextOffset, isLast } = fetched;
    this.retries = 0;
    this.highWatermark = highWatermark;
    this.lastStableOffset = lastStableOffset;
    this.#handOut(fetched, listener);
    if (this.isCancelled) return;
    if (nextOffset > this.position) {
      this.position = nextOffset;
      this.#hasAdvanced = true;
    }
    if (!isLast) {
      this.state = "behind";
      return;
    }
    if (this.#hasAdvanced) {
      this.maxBytes = BYTES_START;
    } else if (lastStableOffset > this.position) {
      // The next batch is larger than what was asked for, and was not first in the answer: ask for more.
      this.maxBytes = Math.min(2 * this.maxBytes, BYTES_LIMIT);
    }
    this.#hasAdvanced = false;
    if (this.position < lastStableOffset) {
      this.state = "behind";
      return;
    }
    this.state = "reading";
    this.#report(listener, () => this.reader.onCaughtUp(atClockMs));
  }

  #handOut({ records, gaps }: FetchedTopic, listener: ReadingListener): void {
    const { counters } = listener;
    let gap = 0;
    let next = this.position;
    for (const record of records) {
      if (record.offset < next) {
        counters.repeated_records++;
        continue;
      }
      while (gap < gaps.length && gaps[gap]!.to <= record.offset) {
        this.#reportGap(gaps[gap++]!, listener);
      }
      next = record.offset + 1;
      counters.records++;
      try {
        this.reader.onRecord(record);
      } catch (error) {
        this.#refused(listener, error as Error, record.offset);
      }
      if (this.isCancelled) return;
      this.lastTimestampMs = record.timestampMs;
    }
    while (gap < gaps.length && !this.isCancelled) {
      this.#reportGap(gaps[gap++]!, listener);
    }
  }

  #reportGap(gap: Gap, listener: ReadingListener): void {
    const { to, damage } = gap;
    const from = Math.max(gap.from, this.position);
    if (to <= from) return;
    const { counters, log } = listener;
    if (damage !== null) {
      counters.damaged_batches++;
      if (!this.#isDamageLogged) {
        this.#isDamageLogged = true;
        log.warn("batch-undecodable", {
          topic: this.topic,
          from,
          to,
          reason: damage,
        });
      }
    } else if (this.options.isCompacted) return;
    counters.holes += to - from;
    this.#report(listener, () => this.reader.onHole(from, to));
  }

  #report(listener: ReadingListener, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#refused(listener, error as Error, this.position);
    }
  }

  /** A reader that throws does not get the record again: it would throw each time. */
  #refused({ counters, log }: ReadingListener, error: Error, offset: number) {
    counters.refused_records++;
    if (this.#isRefusalLogged) return;
    this.#isRefusalLogged = true;
    log.error("record-refused", {
      topic: this.topic,
      offset,
      error: error.message,
      stack: error.stack,
    });
  }
}

/** What a reading reports to, besides its reader. */
export interface ReadingListener {
  readonly counters: ReadingCounters;
  readonly log: Logger;
}
