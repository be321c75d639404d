// Reads older messages for one history reader, over connections of its own and at that reader's pace.
// Invariant: a topic's position only grows. Each message from the start up to `position` was handed out once, unless
// the log no longer had it, its transaction was aborted, or it could not be decoded.
import { errorName } from "./error_name.ts";
import type { Logger } from "../telemetry/log.ts";
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
} from "../source/source.ts";
import type { BrokerConnection, KafkaProtocol } from "./kafka_protocol.ts";
import type { KafkaWork } from "./kafka_work.ts";
import { type BlockTime, findStarts } from "./find_starts.ts";
import { type FetchedTopic, TopicParts } from "./topic_parts.ts";

/** What a history needs to know of the cluster. */
export interface Leaders {
  leaderOf(topic: string): { host: string; port: number } | null;
  isMissing(topic: string): boolean;
  refresh(): void;
  readonly log: Logger;
}

interface Reading {
  /** GPS ms. */
  readonly fromMs: number;
  /** Next offset; −1 before it is known. */
  position: number;
  isAtEnd: boolean;
  isCut: boolean;
  /** The part of the last answer that was too much for one read. */
  rest: TopicParts | null;
}

/** The longest that a fetch waits at the end of a log. */
const MAX_WAIT_MS = 50;
/** The most bytes of one answer; a batch that is larger comes whole. */
const ANSWER_BYTES = 2 * 1024 * 1024;
const TOPIC_BYTES_MIN = 64 * 1024;
const TOPIC_BYTES_MAX = 512 * 1024;
/** The most messages of one topic in one read; the others wait for the next read. */
const MESSAGES_MAX = 1024;
/** The most bytes of them; a larger message comes alone. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** The most bytes of decompressed batches that wait for the next read; beyond, they are fetched again. */
const RESTS_BYTES_MAX = 16 * 1024 * 1024;
/** The most holes that one history names in the log. */
const HOLES_LOGGED_MAX = 20;
/** ns to copy a byte. */
const COST_COPIED = 1;
const UNKNOWN_TOPIC = 3;
const OFFSET_OUT_OF_RANGE = 1;

export interface KafkaHistoryOptions {
  readonly protocol: KafkaProtocol;
  readonly work: KafkaWork;
  readonly leaders: Leaders;
  readonly blockTime: BlockTime;
}

/** The history of some topics. */
export class KafkaHistory implements HistoryReader {
  readonly #leaders: Leaders;
  readonly #options: KafkaHistoryOptions;
  readonly #blockTime: BlockTime;
  readonly #readings = new Map<string, Reading>();
  readonly #connections = new Map<string, BrokerConnection>();
  readonly #topicBytes: number;
  /** Answers of a read that has failed for another topic: the next read has them, as positions only grow. */
  #kept: HistoryMessages[] = [];
  #isClosed = false;
  #holesLogged = 0;

  constructor(options: KafkaHistoryOptions, topics: readonly HistoryTopic[]) {
    this.#options = options;
    this.#leaders = options.leaders;
    this.#blockTime = options.blockTime;
    for (const { topic, fromMs } of topics) {
      this.#readings.set(topic, {
        fromMs,
        position: -1,
        isAtEnd: false,
        isCut: false,
        rest: null,
      });
    }
    this.#topicBytes = Math.min(
      TOPIC_BYTES_MAX,
      Math.max(TOPIC_BYTES_MIN, Math.floor(ANSWER_BYTES / topics.length)),
    );
  }

  async read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    const byAddress = new Map<string, string[]>();
    const missing: HistoryMessages[] = [];
    const kept = new Set(this.#kept.map(({ topic }) => topic));
    for (const topic of topics) {
      if (kept.has(topic)) continue;
      const leader = this.#leaders.leaderOf(topic);
      if (leader === null) {
        if (!this.#leaders.isMissing(topic)) {
          this.#leaders.refresh();
          throw new Error(`${topic} has no leader now`);
        }
        missing.push({ topic, messages: [], isAtEnd: true, isCut: false });
        continue;
      }
      const address = `${leader.host}:${leader.port}`;
      const asked = byAddress.get(address) ?? [];
      byAddress.set(address, asked);
      asked.push(topic);
      if (!this.#connections.has(address)) {
        const connection = this.#options.protocol.connectionTo(leader);
        this.#connections.set(address, connection);
      }
    }
    const reads = [...byAddress].map(([address, asked]) =>
      this.#readFrom(this.#connections.get(address)!, asked)
    );
    for (const read of await Promise.allSettled(reads)) {
      if (read.status === "rejected") throw read.reason;
    }
    const answers = [...missing, ...this.#kept];
    this.#kept = [];
    return answers;
  }

  close(): void {
    this.#isClosed = true;
    this.#kept = [];
    for (const reading of this.#readings.values()) dropRest(reading);
    for (const connection of this.#connections.values()) connection.destroy();
    this.#connections.clear();
  }

  /** Adds the answers to those that are kept. */
  async #readFrom(
    connection: BrokerConnection,
    topics: readonly string[],
  ): Promise<void> {
    const starting = topics.filter((t) => this.#readings.get(t)!.position < 0);
    if (starting.length > 0) await this.#findStarts(connection, starting);
    this.#check();
    const answers = this.#kept;
    const asked = topics.filter((t) => this.#readings.get(t)!.rest === null);
    for (const topic of topics) {
      const { rest } = this.#readings.get(topic)!;
      if (rest !== null) answers.push(await this.#handOut(topic, rest));
    }
    if (asked.length === 0) return;
    const fetched = await connection.fetch(
      asked.map((topic) => ({
        topic,
        offset: this.#readings.get(topic)!.position,
        maxBytes: this.#topicBytes,
      })),
      { maxWaitMs: MAX_WAIT_MS, maxBytes: ANSWER_BYTES },
    );
    this.#check();
    for (const raw of fetched) {
      const { topic } = raw;
      const reading = this.#readings.get(topic);
      if (!reading) continue;
      if (raw.errorCode !== 0) {
        answers.push(await this.#refused(connection, topic, raw.errorCode));
        continue;
      }
      const parts = new TopicParts(raw, reading.position, this.#options.work);
      answers.push(await this.#handOut(topic, parts));
    }
  }

  /** As many messages of an answer as one read takes; the others wait for the next read. */
  async #handOut(topic: string, parts: TopicParts): Promise<HistoryMessages> {
    const reading = this.#readings.get(topic)!;
    reading.rest = parts;
    const messages: HistoryMessages["messages"][number][] = [];
    let bytes = 0;
    let isLast = false;
    while (
      !isLast && messages.length < MESSAGES_MAX && bytes < MESSAGE_BYTES_MAX
    ) {
      const part = await parts.next();
      if (part === null) break;
      isLast = part.isLast;
      const before = bytes;
      for (const { value, timestampMs } of part.records) {
        // Copied: a view would keep the whole decompressed batch in memory.
        const copy = new Uint8Array(value ?? []);
        messages.push({ value: copy, timestampMs });
        bytes += copy.byteLength;
      }
      this.#options.work.slices.spend(COST_COPIED * (bytes - before));
      this.#pass(reading, part);
    }
    if (isLast || this.#isClosed) dropRest(reading);
    this.#check();
    this.#dropRests();
    const { isAtEnd, isCut } = reading;
    return { topic, messages, isAtEnd, isCut };
  }

  #pass(reading: Reading, part: FetchedTopic): void {
    const { topic, gaps, nextOffset, lastStableOffset } = part;
    for (const { from, to, damage } of gaps) {
      const reason = damage ?? "not in the log";
      if (this.#holesLogged++ >= HOLES_LOGGED_MAX) continue;
      this.#leaders.log.warn("past-hole", { topic, from, to, reason });
    }
    if (nextOffset > reading.position) reading.position = nextOffset;
    reading.isAtEnd = part.isLast && reading.position >= lastStableOffset;
  }

  /** Keeps the batches that wait for the next read within their limit. */
  #dropRests(): void {
    let bytes = 0;
    for (const reading of this.#readings.values()) {
      bytes += reading.rest?.heldBytes ?? 0;
      if (bytes > RESTS_BYTES_MAX) dropRest(reading);
    }
  }

  async #findStarts(
    connection: BrokerConnection,
    topics: readonly string[],
  ): Promise<void> {
    const targets = topics.map((topic) => ({
      topic,
      fromMs: this.#readings.get(topic)!.fromMs,
      blockTime: this.#blockTime,
    }));
    const { work } = this.#options;
    for (const [topic, start] of await findStarts(connection, targets, work)) {
      if (start.kind === "refused") return this.#refuse(topic, start.errorCode);
      const reading = this.#readings.get(topic)!;
      reading.position = start.offset;
      reading.isCut = start.isCut;
    }
  }

  #offset(
    topic: string,
    found: { errorCode: number; offset: number } | undefined,
  ): number {
    if (found && found.errorCode === 0) return found.offset;
    return this.#refuse(topic, found?.errorCode);
  }

  #refuse(topic: string, errorCode: number | undefined): never {
    this.#leaders.refresh();
    throw new Error(
      `${topic}: Kafka refused an offset: ${errorName(errorCode)}`,
    );
  }

  /** What an error of a fetch means for a topic. Throws where the read must be tried again. */
  async #refused(
    connection: BrokerConnection,
    topic: string,
    errorCode: number,
  ): Promise<HistoryMessages> {
    const reading = this.#readings.get(topic)!;
    if (errorCode === OFFSET_OUT_OF_RANGE) {
      const at = "earliest";
      const first = (await connection.listOffsets([{ topic, at }])).get(topic);
      reading.position = this.#offset(topic, first);
      reading.isCut = true;
      return { topic, messages: [], isAtEnd: reading.isAtEnd, isCut: true };
    }
    this.#leaders.refresh();
    if (errorCode === UNKNOWN_TOPIC && this.#leaders.isMissing(topic)) {
      return { topic, messages: [], isAtEnd: true, isCut: false };
    }
    throw new Error(`${topic}: Kafka refused a fetch: ${errorName(errorCode)}`);
  }

  #check(): void {
    if (this.#isClosed) throw new Error("The history is closed");
  }
}

function dropRest(reading: Reading): void {
  reading.rest?.close();
  reading.rest = null;
}
