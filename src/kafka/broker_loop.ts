// The loop that reads from one broker: one fetch at a time carries all topics that it leads, except those whose last
// answer is still being handed out. Invariant: at most one request is under way; a failure backs off, reports to the
// pool, and tries again until stopped.
import {
  type ConnectionOptions,
  KafkaConnection,
} from "./kafkajs_connection.ts";
import type { RawTopic } from "./fetch_answer.ts";
import type { FetchPool } from "./fetch_pool.ts";
import { handOut } from "./hand_out.ts";
import type { KafkaWork } from "./kafka_work.ts";
import { TopicParts } from "./topic_parts.ts";
import type { TopicReading } from "./topic_reading.ts";

/** Longest that a fetch waits at the broker, and so a newly wanted topic for its first. */
const MAX_WAIT_MS = 250;
/** The same while a topic's records are still being handed out: it is to be asked for again soon. */
const BUSY_WAIT_MS = 50;
/** Of one answer: its bytes are put together in one go. A larger batch comes whole all the same. */
const FETCH_BYTES_MAX = 16 * 1024 * 1024;
/** Answers of so many bytes may be waiting to be handed out; beyond, no further one is asked for. */
const UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024;
/** The next fetch waits so long for the topics of this one. */
const HAND_OUT_WAIT_MS = 50;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 500;

/** All of one answer; each topic's part is a view into it. */
interface Answer {
  readonly byteLength: number;
}

/** Reads from one broker until stopped. */
export class BrokerLoop {
  readonly nodeId: number;
  readonly address: string;
  readonly running: Promise<void>;
  readonly #pool: FetchPool;
  readonly #connection: KafkaConnection;
  readonly #work: KafkaWork;
  /** Topics whose records are being handed out, and the answers that they came with, which are held until then. */
  readonly #handingOut = new Map<Promise<void>, Answer>();
  #stopped = false;
  #wake: (() => void) | null = null;
  #turn = 0;

  constructor(
    pool: FetchPool,
    { nodeId, host, port }: { nodeId: number; host: string; port: number },
    options: ConnectionOptions,
  ) {
    this.#pool = pool;
    this.nodeId = nodeId;
    this.#connection = new KafkaConnection(host, port, options);
    this.#work = options.work;
    this.address = this.#connection.address;
    this.running = this.#run();
  }

  wake(): void {
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#connection.destroy();
    this.wake();
  }

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
        this.#pool.lost(this, error as Error);
        await this.#pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    await Promise.all(this.#handingOut.keys());
  }

  async #read(due: readonly TopicReading[]): Promise<void> {
    const pool = this.#pool;
    const unplaced = due.filter((reading) => reading.position < 0);
    if (unplaced.length > 0) await pool.place(this.#connection, unplaced);
    const ready = due.filter((reading) =>
      reading.position >= 0 && !reading.isCancelled
    );
    if (this.#stopped || ready.length === 0) return;
    // Whoever stands first is never cut short: take turns.
    const first = this.#turn++ % ready.length;
    const asked = [...ready.slice(first), ...ready.slice(0, first)];
    pool.counters.fetches++;
    const sentMs = pool.clockMs();
    const maxWaitMs = this.#handingOut.size > 0 ? BUSY_WAIT_MS : MAX_WAIT_MS;
    const answers = await this.#connection.fetch(
      asked.map(({ topic, position, maxBytes }) => ({
        topic,
        offset: position,
        maxBytes,
      })),
      { maxWaitMs, maxBytes: FETCH_BYTES_MAX },
    );
    if (this.#stopped) return;
    pool.contact(this);
    const atClockMs = validAtClockMs(
      answers,
      sentMs,
      pool.clockMs(),
      maxWaitMs,
    );
    const byTopic = new Map(answers.map((a) => [a.topic, a]));
    let byteLength = 0;
    for (const { batches } of answers) byteLength += batches.length;
    const answer = { byteLength };
    for (const reading of ready) {
      const raw = byTopic.get(reading.topic);
      if (raw) this.#take(reading, raw, atClockMs, answer);
    }
    await this.#handedOut();
  }

  /** Has a topic's records handed out in slices. */
  #take(
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
    }).then(async (isOutside) => {
      if (!isOutside || this.#stopped) return;
      await this.#pool.replace(this.#connection, reading);
    }).catch((error: Error) => {
      if (!this.#stopped) this.#pool.lost(this, error);
    }).finally(() => {
      this.#handingOut.delete(handing);
      this.wake();
    });
    this.#handingOut.set(handing, answer);
  }

  /** Waits for the topics under way, a short time for large ones, so that these hold up no other. */
  async #handedOut(): Promise<void> {
    for (;;) {
      const under = [...this.#handingOut.keys()];
      if (under.length === 0 || this.#stopped) return;
      let bytes = 0;
      for (const { byteLength } of new Set(this.#handingOut.values())) {
        bytes += byteLength;
      }
      if (bytes > UNDER_WAY_BYTES_MAX) {
        await Promise.race(under);
        continue;
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, HAND_OUT_WAIT_MS);
      });
      await Promise.race([Promise.all(under), enough]);
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
 * Latest ms of the monotonic clock at which the ends that an answer names surely held. An answer may lie in the socket
 * while this process is frozen or busy, so the time at which it is read says nothing. One with something in it may have been made as
 * soon as it was asked for; an empty one was made after the whole wait.
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
