// One wanted topic: how far it has been read, and what a fetch brought handed to its reader.
// Invariant: `position` only grows, each offset below it was a record, or reported as a hole, or normal to lack, and no
// record below it is handed out again.
import type { Logger } from "../telemetry/log.ts";
import type { TopicStatus } from "../source/source.ts";
import type { BlockTime } from "./find_starts.ts";
import type { KafkaRecord } from "./record_batch.ts";
import type { FetchedTopic, Gap } from "./topic_parts.ts";

/** Takes one topic's records. Every call is synchronous. */
export interface TopicReader {
  onRecord(record: KafkaRecord): void;
  /** Its log was read to the end, as of that time of the monotonic clock. */
  onCaughtUp(atClockMs: number): void;
  /** Its broker failed or its leader moved. */
  onDisturbed?(): void;
  /** Offsets that are gone or could not be decoded. */
  onHole(from: number, to: number): void;
  onRestart(offset: number): void;
}

/** Where a reading begins: at a time of Kafka's (Unix ms), at the start of the log, or at the blocks of a GPS time. */
export type ReadingStart =
  | number
  | "earliest"
  | { readonly blockMs: number; readonly blockTime: BlockTime };

export interface ReadingOptions {
  readonly from: ReadingStart;
  /** Holes are normal where the log is compacted. */
  readonly isCompacted: boolean;
  /** Its reader is told so as soon as it is known where reading starts. */
  readonly isRestart: boolean;
}

/** Counted over all topics. */
export interface ReadingCounters {
  records: number;
  holes: number;
  restarts: number;
  damaged_batches: number;
  refused_records: number;
  /** Brought again below the position, and not handed out again. */
  repeated_records: number;
}

const BYTES_START = 8 * 1024 * 1024;
const BYTES_LIMIT = 64 * 1024 * 1024;

/** A topic that is read. A restart is a new reading, so that answers to the old one's requests find no listener. */
export class TopicReading {
  readonly topic: string;
  readonly reader: TopicReader;
  readonly options: ReadingOptions;
  /** Which topic of that name it is; empty before it is known. */
  topicId = "";
  /** The topic that had the name before: an answer of a broker that lags behind is not a new change. */
  formerTopicId = "";
  /** Next offset to read; −1 before it is known. */
  position = -1;
  highWatermark = -1;
  /** The end of what is read: behind it there may be open transactions. −1 before it is known. */
  lastStableOffset = -1;
  leader = -1;
  /** Kafka partitions of the topic; only partition 0 is read. 0 before it is known. */
  partitionCount = 0;
  state: TopicStatus["state"] = "starting";
  /** Not asked for before the cluster has said anew what it is and who leads it. */
  awaitsMetadata = false;
  /** Its position lies behind the log's end. */
  isBeyondEnd = false;
  /** Time of the monotonic clock before which it is not asked for again. */
  retryAtClockMs = -Infinity;
  retries = 0;
  maxBytes = BYTES_START;
  /** Kafka's time of the last record, Unix ms; −1 before the first. */
  lastTimestampMs = -1;
  /** Nobody wants it any more. */
  isCancelled = false;
  /** What a fetch brought is still being handed out. */
  isBusy = false;
  /** This answer has brought something. */
  #hasAdvanced = false;
  #isDamageLogged = false;
  #isRefusalLogged = false;

  constructor(topic: string, reader: TopicReader, options: ReadingOptions) {
    this.topic = topic;
    this.reader = reader;
    this.options = options;
  }

  /** The reading that takes over from this one. */
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

  /** Tells its reader that whoever writes it is in trouble as well. */
  trouble(listener: ReadingListener): void {
    this.#tell(listener, () => this.reader.onDisturbed?.());
  }

  /** Begins at an offset. */
  begin(offset: number, end: number, listener: ReadingListener): void {
    this.position = offset;
    this.highWatermark = end;
    this.lastStableOffset = end;
    this.retries = 0;
    if (!this.options.isRestart) return;
    listener.counters.restarts++;
    this.#tell(listener, () => this.reader.onRestart(offset));
  }

  /** Passes over offsets that the log no longer holds. */
  passTo(offset: number, listener: ReadingListener): void {
    this.#reportGap(
      { from: this.position, to: offset, damage: null },
      listener,
    );
    this.position = offset;
  }

  /** Hands out a part of what a fetch without error brought. `atClockMs`: when its last stable offset held. */
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
      // A batch larger than asked for, and not first in the answer: ask for more next time.
      this.maxBytes = Math.min(2 * this.maxBytes, BYTES_LIMIT);
    }
    this.#hasAdvanced = false;
    if (this.position < lastStableOffset) {
      this.state = "behind";
      return;
    }
    this.state = "reading";
    this.#tell(listener, () => this.reader.onCaughtUp(atClockMs));
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
    this.#tell(listener, () => this.reader.onHole(from, to));
  }

  #tell(listener: ReadingListener, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#refused(listener, error as Error, this.position);
    }
  }

  /** A reader that throws has had its record: trying again would read it twice, and for ever. */
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

/** What a reading tells beside its reader. */
export interface ReadingListener {
  readonly counters: ReadingCounters;
  readonly log: Logger;
}
