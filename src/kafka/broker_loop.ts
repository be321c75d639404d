// The loop that reads from one broker: one fetch at a time carries all topics that it leads.
// Invariant: at most one request is under way; a failure backs off, tells the pool, and tries again until stopped.
import { type ConnectionOptions, KafkaConnection } from "./connection.ts";
import type { FetchedTopic } from "./fetch_answer.ts";
import type { FetchPool } from "./fetch_pool.ts";
import type { KafkaTime } from "./record_batch.ts";
import type { TopicReading } from "./topic_reading.ts";

/** Longest that a fetch waits at the broker, and so a newly wanted topic for its first. */
const MAX_WAIT_MS = 250;
const FETCH_BYTES_MAX = 64 * 1024 * 1024;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 500;

/** Reads from one broker until stopped. */
export class BrokerLoop {
  readonly nodeId: number;
  readonly address: string;
  readonly running: Promise<void>;
  readonly #pool: FetchPool;
  readonly #connection: KafkaConnection;
  readonly #time: KafkaTime;
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
    this.#time = options.time ?? { decode: 0, deliver: 0 };
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
  }

  async #read(due: readonly TopicReading[]): Promise<void> {
    const pool = this.#pool;
    const unplaced = due.filter((reading) => reading.position < 0);
    if (unplaced.length > 0) await pool.place(this.#connection, unplaced);
    const ready = due.filter((reading) =>
      reading.position >= 0 && !reading.isOver
    );
    if (this.#stopped || ready.length === 0) return;
    // Whoever stands first is never cut short: take turns.
    const first = this.#turn++ % ready.length;
    const asked = [...ready.slice(first), ...ready.slice(0, first)];
    pool.counters.fetches++;
    const sentMs = pool.clockMs();
    const answers = await this.#connection.fetch(
      asked.map(({ topic, position, maxBytes }) => ({
        topic,
        offset: position,
        maxBytes,
      })),
      { maxWaitMs: MAX_WAIT_MS, maxBytes: FETCH_BYTES_MAX },
    );
    if (this.#stopped) return;
    pool.contact(this.address);
    const atClockMs = validAtClockMs(answers, sentMs, pool.clockMs());
    const byTopic = new Map(answers.map((a) => [a.topic, a]));
    for (const reading of ready) {
      const fetched = byTopic.get(reading.topic);
      if (!fetched) continue;
      const beganMs = performance.now();
      const isOutside = pool.deliver(reading, fetched, atClockMs);
      this.#time.deliver += (performance.now() - beganMs) / 1000;
      if (isOutside) {
        await pool.replace(this.#connection, reading);
      }
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
 * Latest ms of the monotonic clock at which an answer's high watermarks surely held. An answer may lie in the socket while this process
 * is frozen or busy, so the time at which it is read says nothing. One with something in it may have been made as
 * soon as it was asked for; an empty one was made after the whole wait.
 */
export function validAtClockMs(
  answers: readonly FetchedTopic[],
  sentMs: number,
  readMs: number,
): number {
  const isEmpty = answers.every((a) => a.errorCode === 0 && a.nextOffset < 0);
  return isEmpty ? Math.min(readMs, sentMs + MAX_WAIT_MS) : sentMs;
}
