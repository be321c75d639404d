// Follows the publishers' metadata topics and keeps the catalog true to them.
// Invariant: a malformed record is counted, logged once a topic, and skipped; it never changes the catalog.
import type { Catalog } from "../channels/catalog.ts";
import {
  type Channel,
  DATA_TYPES,
  type DataType,
} from "../channels/channel.ts";
import type { Logger } from "../log.ts";
import type { FetchPool } from "./fetch_pool.ts";
import type { TopicReader } from "./topic_reading.ts";

export const METADATA_PREFIX = "arrakis-metadata-";
/** Longest stride and latency that make sense, ns: an hour. */
const SPAN_MAX_NS = 3_600_000_000_000;
const RATE_MAX_HZ = 1e9;
const INDEX_MAX = 65_535;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Reads one record's value as a channel; a text says what is wrong with it. */
export function parseChannel(key: string, value: Uint8Array): Channel | string {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(decoder.decode(value));
  } catch {
    return "not JSON";
  }
  if (typeof record !== "object" || record === null) return "not an object";
  const { name, data_type, sample_rate, publisher, partition_id } = record;
  const { partition_index, stride, max_latency, replay_id } = record;
  if (name !== key || key === "") return `name is not the key '${key}'`;
  if (!(DATA_TYPES as readonly unknown[]).includes(data_type)) {
    return `data_type must be one of ${DATA_TYPES.join(", ")}`;
  }
  if (!isWithin(sample_rate, 0, RATE_MAX_HZ) || sample_rate === 0) {
    return "sample_rate must be a number above 0";
  }
  if (typeof publisher !== "string" || typeof partition_id !== "string") {
    return "publisher and partition_id must be texts";
  }
  if (!/^[\w.-]{1,200}$/.test(partition_id)) {
    return "partition_id is no part of a topic's name";
  }
  if (!isWhole(partition_index, 0, INDEX_MAX)) {
    return `partition_index must be a whole number up to ${INDEX_MAX}`;
  }
  if (
    !isWhole(stride, 1, SPAN_MAX_NS) || !isWhole(max_latency, 0, SPAN_MAX_NS)
  ) {
    return "stride and max_latency must be whole numbers of ns, up to an hour";
  }
  if (replay_id !== null && replay_id !== undefined) {
    if (typeof replay_id !== "string" || !/^[\w.-]{1,200}$/.test(replay_id)) {
      return "replay_id is no part of a topic's name";
    }
  }
  return {
    name: key,
    dataType: data_type as DataType,
    sampleRate: sample_rate as number,
    publisher,
    partitionId: partition_id,
    partitionIndex: partition_index as number,
    strideNs: BigInt(stride as number),
    maxLatencyNs: BigInt(max_latency as number),
    replayId: (replay_id as string | null | undefined) ?? null,
  };
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return isWithin(value, min, max) && Number.isInteger(value);
}

/** All metadata topics of a cluster. */
export class MetadataFollower {
  readonly counters = {
    metadata_records: 0,
    metadata_bad_records: 0,
    metadata_topics: 0,
  };
  readonly #pool: FetchPool;
  readonly #catalog: Catalog;
  readonly #log: Logger;
  /** Topics followed, and whether each has been read to its end once. */
  readonly #topics = new Map<string, boolean>();
  /** Which topic said last what a channel is, by replay context and name: only that one can take it back. */
  readonly #owners = new Map<string, string>();
  #existing: ReadonlySet<string> = new Set();
  #isListed = false;
  #onReady: (() => void) | null = null;

  constructor(pool: FetchPool, catalog: Catalog, log: Logger) {
    this.#pool = pool;
    this.#catalog = catalog;
    this.#log = log;
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
      this.#pool.want(topic, "earliest", this.#readerOf(topic), true);
    }
    this.#tellReady();
  }

  #readerOf(topic: string): TopicReader {
    const names = new Map<string, string | null>();
    let isBadLogged = false;
    return {
      onRecord: ({ key, value, offset }) => {
        this.counters.metadata_records++;
        const name = key === null ? "" : textOf(key);
        if (name.startsWith("__")) return;
        if (value === null || value.byteLength === 0) {
          const replayId = names.get(name);
          if (replayId !== undefined) this.#takeBack(topic, name, replayId);
          names.delete(name);
          return;
        }
        const channel = parseChannel(name, value);
        if (typeof channel !== "string") {
          const before = names.get(name);
          if (before !== undefined && before !== channel.replayId) {
            this.#takeBack(topic, name, before);
          }
          names.set(name, channel.replayId);
          this.#owners.set(ownerKey(name, channel.replayId), topic);
          this.#catalog.set(channel);
          return;
        }
        this.counters.metadata_bad_records++;
        if (isBadLogged) return;
        isBadLogged = true;
        this.#log.warn("metadata-record-refused", {
          topic,
          offset,
          key: name.slice(0, 200),
          reason: channel,
        });
      },
      onCaughtUp: () => {
        if (this.#topics.get(topic)) return;
        this.#topics.set(topic, true);
        this.#tellReady();
      },
      onHole: () => {},
      onRestart: () => {
        for (const [name, replayId] of names) {
          this.#takeBack(topic, name, replayId);
        }
        names.clear();
      },
    };
  }

  /** Removes a channel, unless another publisher has taken it over since. */
  #takeBack(topic: string, name: string, replayId: string | null): void {
    const key = ownerKey(name, replayId);
    if (this.#owners.get(key) !== topic) return;
    this.#owners.delete(key);
    this.#catalog.remove(name, replayId);
  }

  #tellReady(): void {
    if (!this.isReady) return;
    this.#onReady?.();
    this.#onReady = null;
  }
}

function ownerKey(name: string, replayId: string | null): string {
  return JSON.stringify([replayId, name]);
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return "";
  }
}
