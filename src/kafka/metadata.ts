// Follows the publishers' metadata topics and hands their channels to the admission.
// Invariant: a record that is no valid channel is counted, and changes nothing. One whose time is in the future has no
// advantage over those of others; the number of topics is limited.
import type { Catalog } from "../channels/catalog.ts";
import { type Channel, topicOf } from "../channels/channel.ts";
import { ChannelAdmission } from "../channels/channel_admission.ts";
import type { ChannelFault } from "../channels/channel_fault.ts";
import { TEXT_BYTES_MAX } from "../channels/channel_text.ts";
import type { Logger } from "../telemetry/log.ts";
import { METADATA_PREFIX, parseChannel } from "./channel_record.ts";
import type { ReadingStart, TopicReader } from "./topic_reading.ts";

/** Reads topics; {@linkcode FetchPool} is one. */
export interface TopicPool {
  subscribe(
    topic: string,
    from: ReadingStart,
    reader: TopicReader,
    isCompacted: boolean,
  ): void;
}

// The byte order mark is kept: a name that begins with it is another name.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Most metadata topics that are followed at one time: publishers. */
const TOPICS_MAX = 10_000;
/** Clocks of publishers may be so far ahead, ms. */
const AHEAD_MS = 3_600_000;

export interface MetadataOptions {
  /** @default its own */
  readonly admission?: ChannelAdmission;
  /** Whether a data topic belongs to others, so that no metadata may claim it. @default none */
  readonly isReserved?: (topic: string) => boolean;
  /** @default 10,000 */
  readonly topicsMax?: number;
  /** Unix ms. @default Date.now */
  readonly nowMs?: () => number;
}

/** All metadata topics of a cluster. */
export class MetadataFollower {
  readonly counters = {
    metadata_records: 0,
    metadata_bad_records: 0,
    metadata_future_records: 0,
    metadata_topics: 0,
    metadata_topics_refused: 0,
  };
  readonly #log: Logger;
  readonly #topicsMax: number;
  readonly #nowMs: () => number;
  readonly #pool: TopicPool;
  readonly #admission: ChannelAdmission;
  readonly #isReserved: (topic: string) => boolean;
  /** Topics that are followed, and whether each has been read to its end once. */
  readonly #topics = new Map<string, boolean>();
  #existing: ReadonlySet<string> = new Set();
  #isListed = false;
  #onReady: (() => void) | null = null;

  constructor(
    pool: TopicPool,
    catalog: Catalog,
    log: Logger,
    { admission, isReserved = () => false, topicsMax, nowMs }: MetadataOptions =
      {},
  ) {
    this.#pool = pool;
    this.#log = log;
    this.#topicsMax = topicsMax ?? TOPICS_MAX;
    this.#nowMs = nowMs ?? Date.now;
    this.#admission = admission ?? new ChannelAdmission({ catalog, log });
    this.#isReserved = isReserved;
  }

  /** The cluster has listed its topics, and the metadata topics among them have been read to their end. */
  get isReady(): boolean {
    if (!this.#isListed) return false;
    for (const [topic, isRead] of this.#topics) {
      if (!isRead && this.#existing.has(topic)) return false;
    }
    return true;
  }

  /** Resolves when ready. */
  ready(): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve) => this.#onReady = resolve);
  }

  /** Takes the names of all topics: the metadata of new publishers is followed from its start. */
  onTopics(topics: readonly string[]): void {
    this.#isListed = true;
    this.#existing = new Set(topics);
    let followed = 0;
    for (const topic of this.#topics.keys()) {
      if (this.#existing.has(topic)) followed++;
    }
    for (const topic of topics) {
      if (!topic.startsWith(METADATA_PREFIX) || this.#topics.has(topic)) {
        continue;
      }
      if (followed >= this.#topicsMax) {
        this.#refuse(topic);
        continue;
      }
      followed++;
      this.#topics.set(topic, false);
      this.counters.metadata_topics++;
      this.#pool.subscribe(topic, "earliest", this.#readerOf(topic), true);
    }
    this.#reportReady();
  }

  /** Counts a topic that is not followed. It is again, whenever topics are listed; the first one is logged. */
  #refuse(topic: string): void {
    if (this.counters.metadata_topics_refused++ > 0) return;
    this.#log.warn("metadata-topic-refused", {
      topic,
      detail: `at most ${this.#topicsMax} metadata topics are followed`,
    });
  }

  /** The time by which claims to one name are compared; that of a record of the future, which could not be outdone, is 0. */
  #timeOf(topic: string, timestampMs: number): number {
    const aheadMs = timestampMs - this.#nowMs();
    if (aheadMs <= AHEAD_MS) return timestampMs;
    if (this.counters.metadata_future_records++ === 0) {
      this.#log.warn("metadata-time-in-future", {
        topic,
        aheadS: Math.round(aheadMs / 1000),
      });
    }
    return 0;
  }

  #readerOf(topic: string): TopicReader {
    const publisher = topic.slice(METADATA_PREFIX.length);
    const admission = this.#admission;
    return {
      onRecord: ({ key, value, timestampMs }) => {
        this.counters.metadata_records++;
        const name = textOf(key);
        if (name.startsWith("__")) return;
        if (value === null || value.byteLength === 0) {
          admission.remove(publisher, name);
          return;
        }
        const channel = this.#channelOf(name, value);
        if (!("reason" in channel)) {
          admission.put(publisher, channel, this.#timeOf(topic, timestampMs));
          return;
        }
        this.counters.metadata_bad_records++;
        admission.refuse(publisher, name, channel);
      },
      onCaughtUp: () => {
        if (this.#topics.get(topic)) return;
        this.#topics.set(topic, true);
        this.#reportReady();
      },
      onHole: () => {},
      onRestart: () => admission.removeAll(publisher),
    };
  }

  #channelOf(name: string, value: Uint8Array): Channel | ChannelFault {
    const channel = parseChannel(name, value);
    if ("reason" in channel || !this.#isReserved(topicOf(channel))) {
      return channel;
    }
    const detail = `partition_id ${channel.partitionId} is one of --topics`;
    return { reason: "partition", detail };
  }

  #reportReady(): void {
    if (!this.isReady) return;
    this.#onReady?.();
    this.#onReady = null;
  }
}

/** A record's key as text; empty where it cannot be a name. */
function textOf(bytes: Uint8Array | null): string {
  if (bytes === null || bytes.byteLength > TEXT_BYTES_MAX) return "";
  try {
    return decoder.decode(bytes);
  } catch {
    return "";
  }
}
