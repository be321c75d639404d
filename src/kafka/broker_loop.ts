// The loop that reads from one broker: each fetch carries all topics that the broker leads, except those whose last
// answer is still being handed out.
// Invariant: at most one request is under way; after a failure the loop reports it, waits, and tries again until stopped.
import type { RawTopic } from "./fetch_answer.ts";
import { handOut } from "./hand_out.ts";
import type { BrokerConnection } from "./kafka_protocol.ts";
import type { KafkaWork } from "./kafka_work.ts";
import type { PositionFinder } from "./position_finder.ts";
import { type FetchedTopic, TopicParts } from "./topic_parts.ts";
import type { TopicReading } from "./topic_reading.ts";

/** The longest that a fetch waits at the broker. A newly subscribed topic may wait this long for its first fetch. */
const MAX_WAIT_MS = 250;
/** The same while a topic's records are still being handed out: its next fetch is due soon. */
const BUSY_WAIT_MS = 50;
/** The most bytes of one answer, which are assembled in one step. A batch that is larger comes whole all the same. */
const FETCH_BYTES_MAX = 16 * 1024 * 1024;
/** While answers of more bytes than this are being handed out, no further fetch is sent. */
const UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024;
/** The next fetch waits this long for the topics of this one to be handed out. */
const HAND_OUT_WAIT_MS = 50;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 500;

/** What a loop needs of the pool that it reads for. */
export interface ReadingPool {
  readonly counters: { fetches: number };
  /** ms, monotonic. */
  readonly clockMs: () => number;
  /** Topics to fetch from a node now. */
  due(nodeId: number): TopicReading[];
  /** Finds where readings begin, or continue. */
  readonly positions: PositionFinder;
  /** Takes one part of an answer. True when the position is out of range. */
  deliver(
    reading: TopicReading,
    part: FetchedTopic,
    atClockMs: number,
  ): boolean;
  /** The loop's broker has answered a fetch. */
  onAnswer(loop: BrokerLoop): void;
  /** A request to the loop's broker has failed. */
  onFailure(loop: BrokerLoop, error: Error): void;
}

export interface BrokerLoopOptions {
  readonly pool: ReadingPool;
  readonly nodeId: number;
  readonly connection: BrokerConnection;
  readonly work: KafkaWork;
}

/** All of one answer; each topic's part is a view into it. */
interface Answer {
  readonly byteLength: number;
}

/** Reads from one broker until stopped. */
export class BrokerLoop {
  readonly nodeId: number;
  readonly address: string;
  /** Resolves when the loop has ended. */
  readonly running: Promise<void>;
  readonly #pool: ReadingPool;
  readonly #connection: BrokerConnection;
  readonly #work: KafkaWork;
  /** The topics that are being handed out, with the answers that hold their bytes until then. */
  readonly #handingOut = new Map<Promise<void>, Answer>();
  #stopped = false;
  #wake: (() => void) | null = null;
  #round = 0;

  constructor({ pool, nodeId, connection, work }: BrokerLoopOptions) {
    this.#pool = pool;
    this.nodeId = nodeId;
    this.#connection = connection;
    this.#work = work;
    this.address = connection.address;
    this.running = this.#run();
  }

  /** Ends a pause: a topic may be due. */
  wake(): void {
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#connection.destroy();
    this.wake();
  }

  /** Fetches until stopped. Then: #read(). */
  async #run(): Promise<void> {
    let backOffMs = BACK_OFF_MIN_MS;
    while (!this.#stopped) {
      const due = this.#pool.due(this.nodeId);
      if (due.length === 0) {
        await this.#pause(MAX_WAIT_MS);
        continue;
      }
      try {
        await this.#read(due);
        backOffMs = BACK_OFF_MIN_MS;
      } catch (error) {
        if (this.#stopped) break;
        this.#pool.onFailure(this, error as Error);
        await this.#pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    await Promise.all(this.#handingOut.keys());
  }

  /** One fetch for all topics that are due, after those without a position got one. Then: #startHandOut() for each. */
  async #read(due: readonly TopicReading[]): Promise<void> {
    const pool = this.#pool;
    const starting = due.filter((reading) => reading.position < 0);
    if (starting.length > 0) {
      await pool.positions.find(this.#connection, starting);
    }
    const ready = due.filter((reading) =>
      reading.position >= 0 && !reading.isCancelled
    );
    if (this.#stopped || ready.length === 0) return;
    pool.counters.fetches++;
    const sentMs = pool.clockMs();
    const maxWaitMs = this.#handingOut.size > 0 ? BUSY_WAIT_MS : MAX_WAIT_MS;
    const answers = await this.#connection.fetch(
      this.#rotated(ready).map(({ topic, position, maxBytes }) => ({
        topic,
        offset: position,
        maxBytes,
      })),
      { maxWaitMs, maxBytes: FETCH_BYTES_MAX },
    );
    if (this.#stopped) return;
    pool.onAnswer(this);
    const readMs = pool.clockMs();
    const atClockMs = validAtClockMs(answers, sentMs, readMs, maxWaitMs);
    const byTopic = new Map(answers.map((a) => [a.topic, a]));
    let byteLength = 0;
    for (const { batches } of answers) byteLength += batches.length;
    const answer = { byteLength };
    for (const reading of ready) {
      const raw = byTopic.get(reading.topic);
      if (raw) this.#startHandOut(reading, raw, atClockMs, answer);
    }
    await this.#untilHandedOut();
  }

  /** The broker never cuts the first topic of a request short: each topic is first in turn. */
  #rotated(readings: readonly TopicReading[]): TopicReading[] {
    const first = this.#round++ % readings.length;
    return [...readings.slice(first), ...readings.slice(0, first)];
  }

  /** Begins to hand out a topic's records in slices. Then: handOut(), which calls FetchPool.deliver() for each part. */
  #startHandOut(
    reading: TopicReading,
    raw: RawTopic,
    atClockMs: number,
    answer: Answer,
  ): void {
    const work = this.#work;
    const handing = handOut({
      parts: new TopicParts(raw, reading.position, work),
      reading,
      work,
      deliver: (part) => this.#pool.deliver(reading, part, atClockMs),
      isStopped: () => this.#stopped,
    }).then(async (isOutOfRange) => {
      if (!isOutOfRange || this.#stopped) return;
      await this.#pool.positions.findAgain(this.#connection, reading);
    }).catch((error: Error) => {
      if (!this.#stopped) this.#pool.onFailure(this, error);
    }).finally(() => {
      this.#handingOut.delete(handing);
      this.wake();
    });
    this.#handingOut.set(handing, answer);
  }

  /** Waits for the topics that are being handed out; for large ones only a short time, so that others can be fetched. */
  async #untilHandedOut(): Promise<void> {
    for (;;) {
      const underWay = [...this.#handingOut.keys()];
      if (underWay.length === 0 || this.#stopped) return;
      let bytes = 0;
      for (const { byteLength } of new Set(this.#handingOut.values())) {
        bytes += byteLength;
      }
      if (bytes > UNDER_WAY_BYTES_MAX) {
        await Promise.race(underWay);
        continue;
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, HAND_OUT_WAIT_MS);
      });
      await Promise.race([Promise.all(underWay), enough]);
      clearTimeout(timer);
      return;
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}

/**
 * The latest time (monotonic, ms) at which the end of the log, as an answer states it, was certainly valid. The time at
 * which the answer is read does not count: it may have waited in the socket while this process was frozen or busy. The
 * broker may have sent an answer with data as soon as it got the request; it sent an empty one after the whole wait.
 */
export function validAtClockMs(
  answers: readonly Pick<RawTopic, "errorCode" | "batches">[],
  sentMs: number,
  readMs: number,
  maxWaitMs: number = MAX_WAIT_MS,
): number {
  const isEmpty = answers.every((a) =>
    a.errorCode === 0 && a.batches.length === 0
  );
  return isEmpty ? Math.min(readMs, sentMs + maxWaitMs) : sentMs;
}
