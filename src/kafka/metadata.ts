// Follows the publishers' metadata topics and hands what they say to the admission of channels.
// Invariant: a record that is no channel is counted, and changes nothing.
import type { Catalog } from "../channels/catalog.ts";
import {
  type Channel,
  DATA_TYPES,
  type DataType,
} from "../channels/channel.ts";
import { ChannelAdmission } from "../channels/channel_admission.ts";
import { type ChannelFault, channelFault } from "../channels/channel_fault.ts";
import { TEXT_BYTES_MAX } from "../channels/channel_text.ts";
import type { Logger } from "../telemetry/log.ts";
import type { FetchPool } from "./fetch_pool.ts";
import type { TopicReader } from "./topic_reading.ts";

export const METADATA_PREFIX = "arrakis-metadata-";
/** A record has some 300 bytes. */
const RECORD_BYTES_MAX = 64 * 1024;

// With the byte order mark: a key that has one is another key.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads one record's value as a channel, or says what is wrong with it. */
export function parseChannel(
  key: string,
  value: Uint8Array,
): Channel | ChannelFault {
  if (value.byteLength > RECORD_BYTES_MAX) {
    return bad(`it has more than ${RECORD_BYTES_MAX} bytes`);
  }
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(decoder.decode(value));
  } catch {
    return bad("not JSON");
  }
  if (typeof record !== "object" || record === null) {
    return bad("not an object");
  }
  const { name, data_type, sample_rate, publisher, partition_id } = record;
  const { partition_index, stride, max_latency, replay_id = null } = record;
  if (name !== key || key === "") {
    return { reason: "name", detail: "name is not the record's key" };
  }
  if (typeof publisher !== "string" || typeof partition_id !== "string") {
    return bad("publisher and partition_id must be texts");
  }
  if (replay_id !== null && typeof replay_id !== "string") {
    return bad("replay_id must be a text or null");
  }
  if (typeof data_type !== "string") {
    return bad(`data_type must be one of ${DATA_TYPES.join(", ")}`);
  }
  if (typeof sample_rate !== "number" || typeof partition_index !== "number") {
    return bad("sample_rate and partition_index must be numbers");
  }
  if (!isWhole(stride) || !isWhole(max_latency)) {
    return bad("stride and max_latency must be whole numbers of ns");
  }
  const channel: Channel = {
    name: key,
    dataType: data_type as DataType,
    sampleRate: sample_rate,
    publisher,
    partitionId: partition_id,
    partitionIndex: partition_index,
    strideNs: BigInt(stride),
    maxLatencyNs: BigInt(max_latency),
    replayId: replay_id,
  };
  return channelFault(channel) ?? channel;
}

function bad(detail: string): ChannelFault {
  return { reason: "record", detail };
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** All metadata topics of a cluster. */
export class MetadataFollower {
  readonly counters = {
    metadata_records: 0,
    metadata_bad_records: 0,
    metadata_topics: 0,
  };
  readonly #pool: FetchPool;
  readonly #admission: ChannelAdmission;
  /** Topics followed, and whether each has been read to its end once. */
  readonly #topics = new Map<string, boolean>();
  #existing: ReadonlySet<string> = new Set();
  #isListed = false;
  #onReady: (() => void) | null = null;

  constructor(pool: FetchPool, catalog: Catalog, log: Logger) {
    this.#pool = pool;
    this.#admission = new ChannelAdmission({ catalog, log });
  }

  /** Topics are known, and all that exist have been read to their end. */
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

  /** Takes the cluster's topics: new publishers are followed from the start. */
  onTopics(topics: readonly string[]): void {
    this.#isListed = true;
    this.#existing = new Set(topics);
    for (const topic of topics) {
      if (!topic.startsWith(METADATA_PREFIX) || this.#topics.has(topic)) {
        continue;
      }
      this.#topics.set(topic, false);
      this.counters.metadata_topics++;
      this.#pool.subscribe(topic, "earliest", this.#readerOf(topic), true);
    }
    this.#tellReady();
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
        const channel = parseChannel(name, value);
        if (!("reason" in channel)) {
          admission.put(publisher, channel, timestampMs);
          return;
        }
        this.counters.metadata_bad_records++;
        admission.refuse(publisher, name, channel);
      },
      onCaughtUp: () => {
        if (this.#topics.get(topic)) return;
        this.#topics.set(topic, true);
        this.#tellReady();
      },
      onHole: () => {},
      onRestart: () => admission.removeAll(publisher),
    };
  }

  #tellReady(): void {
    if (!this.isReady) return;
    this.#onReady?.();
    this.#onReady = null;
  }
}

/** A record's key; empty where it has none, or none that could be a name. */
function textOf(bytes: Uint8Array | null): string {
  if (bytes === null || bytes.byteLength > TEXT_BYTES_MAX) return "";
  try {
    return decoder.decode(bytes);
  } catch {
    return "";
  }
}
