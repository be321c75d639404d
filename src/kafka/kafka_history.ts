// Reads past messages over connections of its own: what one history asks for, when it asks for it.
// Invariant: a topic's position only grows, and each message between where it began and `position` was handed out
// once, unless the log no longer had it, its transaction was aborted, or it could not be decoded.
import { errorName } from "./error_name.ts";
import type { Logger } from "../telemetry/log.ts";
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
} from "../source/source.ts";
import {
  type ConnectionOptions,
  KafkaConnection,
} from "./kafkajs_connection.ts";
import { type BlockTime, findStarts } from "./find_starts.ts";
import { type FetchedTopic, TopicParts } from "./topic_parts.ts";

/** What the past needs to know of the cluster. */
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
  /** What the last answer brought and was too much for one read. */
  rest: TopicParts | null;
}

/** Longest that the broker waits at the end of a log. */
const MAX_WAIT_MS = 50;
/** Of one answer; a batch larger than its topic's part comes whole. */
const ANSWER_BYTES = 2 * 1024 * 1024;
const TOPIC_BYTES_MIN = 64 * 1024;
const TOPIC_BYTES_MAX = 512 * 1024;
/** Messages of one topic in one read: more wait for the next one. */
const MESSAGES_MAX = 1024;
/** Their bytes, likewise; a larger message comes alone. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Decompressed batches that wait for the next read: beyond, they are fetched again instead. */
const RESTS_BYTES_MAX = 16 * 1024 * 1024;
/** Holes that one reader names in the log. */
const HOLES_LOGGED_MAX = 20;
/** ns to copy a byte. */
const COST_COPIED = 1;
const UNKNOWN_TOPIC = 3;
const OFFSET_OUT_OF_RANGE = 1;

/** The past of some topics. */
export class KafkaHistory implements HistoryReader {
  readonly #leaders: Leaders;
  readonly #options: ConnectionOptions;
  readonly #blockTime: BlockTime;
  readonly #readings = new Map<string, Reading>();
  readonly #connections = new Map<string, KafkaConnection>();
  readonly #topicBytes: number;
  #isClosed = false;
  #holesLogged = 0;

  constructor(
    leaders: Leaders,
    options: ConnectionOptions,
    topics: readonly HistoryTopic[],
    blockTime: BlockTime,
  ) {
    this.#leaders = leaders;
    this.#options = options;
    this.#blockTime = blockTime;
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
    const answers: HistoryMessages[] = [];
    for (const topic of topics) {
      const leader = this.#leaders.leaderOf(topic);
      if (leader === null) {
        if (!this.#leaders.isMissing(topic)) {
          this.#leaders.refresh();
          throw new Error(`${topic} has no leader now`);
        }
        answers.push({ topic, messages: [], isAtEnd: true, isCut: false });
        continue;
      }
      const address = `${leader.host}:${leader.port}`;
      const asked = byAddress.get(address) ?? [];
      byAddress.set(address, asked);
      asked.push(topic);
      if (!this.#connections.has(address)) {
        const { host, port } = leader;
        const connection = new KafkaConnection(host, port, this.#options);
        this.#connections.set(address, connection);
      }
    }
    const read = await Promise.all(
      [...byAddress].map(([address, asked]) =>
        this.#readFrom(this.#connections.get(address)!, asked)
      ),
    );
    return [...answers, ...read.flat()];
  }

  close(): void {
    this.#isClosed = true;
    for (const reading of this.#readings.values()) dropRest(reading);
    for (const connection of this.#connections.values()) connection.destroy();
    this.#connections.clear();
  }

  async #readFrom(
    connection: KafkaConnection,
    topics: readonly string[],
  ): Promise<HistoryMessages[]> {
    const unplaced = topics.filter((t) => this.#readings.get(t)!.position < 0);
    if (unplaced.length > 0) await this.#place(connection, unplaced);
    this.#check();
    const answers: HistoryMessages[] = [];
    const asked = topics.filter((t) => this.#readings.get(t)!.rest === null);
    for (const topic of topics) {
      const { rest } = this.#readings.get(topic)!;
      if (rest !== null) answers.push(await this.#handOut(topic, rest));
    }
    if (asked.length === 0) return answers;
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
    return answers;
  }

  /** As many messages of an answer as one read takes; what is left waits for the next one. */
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
        // A view would hold all that the batch became when it was decompressed.
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

  /** Keeps what waits for the next read within its limit. */
  #dropRests(): void {
    let bytes = 0;
    for (const reading of this.#readings.values()) {
      bytes += reading.rest?.heldBytes ?? 0;
      if (bytes > RESTS_BYTES_MAX) dropRest(reading);
    }
  }

  async #place(
    connection: KafkaConnection,
    topics: readonly string[],
  ): Promise<void> {
    const wanted = topics.map((topic) => ({
      topic,
      fromMs: this.#readings.get(topic)!.fromMs,
      blockTime: this.#blockTime,
    }));
    const { work } = this.#options;
    for (const [topic, start] of await findStarts(connection, wanted, work)) {
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

  /** What a fetch with an error means for a topic. Throws where it must be tried again. */
  async #refused(
    connection: KafkaConnection,
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
    if (this.#isClosed) throw new Error("The past is closed");
  }
}

function dropRest(reading: Reading): void {
  reading.rest?.close();
  reading.rest = null;
}
