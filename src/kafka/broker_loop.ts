// The loop that reads from one broker: one fetch at a time carries all topics that it leads.
// Invariant: at most one request is under way; a failure backs off, tells the pool, and tries again until stopped.
import { type ConnectionOptions, KafkaConnection } from "./connection.ts";
import type { FetchPool, Wanted } from "./fetch_pool.ts";

/** Longest that a fetch waits at the broker, and so a newly wanted topic for its first. */
const MAX_WAIT_MS = 250;
const FETCH_BYTES_MAX = 64 * 1024 * 1024;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 500;

/** Reads from one broker until stopped. */
export class BrokerLoop {
  readonly host: string;
  readonly port: number;
  readonly running: Promise<void>;
  readonly #pool: FetchPool;
  readonly #nodeId: number;
  readonly #connection: KafkaConnection;
  #stopped = false;
  #wake: (() => void) | null = null;
  #turn = 0;

  constructor(
    pool: FetchPool,
    nodeId: number,
    host: string,
    port: number,
    options: ConnectionOptions,
  ) {
    this.#pool = pool;
    this.#nodeId = nodeId;
    this.host = host;
    this.port = port;
    this.#connection = new KafkaConnection(host, port, options);
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
    while (!this.#stopped && !this.#pool.isClosed) {
      const due = this.#pool.due(this.#nodeId);
      if (due.length === 0) {
        await this.#pause(MAX_WAIT_MS);
        continue;
      }
      try {
        await this.#read(due);
        backOffMs = BACK_OFF_MIN_MS;
      } catch (error) {
        if (this.#stopped) break;
        this.#pool.lost(`${this.host}:${this.port}`, error as Error);
        await this.#pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
  }

  async #read(due: Wanted[]): Promise<void> {
    const pool = this.#pool;
    const unplaced = due.filter((w) => w.position < 0);
    if (unplaced.length > 0) await pool.place(this.#connection, unplaced);
    const ready = due.filter((w) => w.position >= 0 && pool.isWanted(w));
    if (ready.length === 0) return;
    // Whoever stands first is never cut short: take turns.
    const first = this.#turn++ % ready.length;
    const asked = [...ready.slice(first), ...ready.slice(0, first)];
    pool.counters.fetches++;
    const answers = await this.#connection.fetch(
      asked.map(({ topic, position, maxBytes }) => ({
        topic,
        offset: position,
        maxBytes,
      })),
      { maxWaitMs: MAX_WAIT_MS, maxBytes: FETCH_BYTES_MAX },
    );
    if (this.#stopped || pool.isClosed) return;
    pool.contact();
    const byTopic = new Map(answers.map((a) => [a.topic, a]));
    for (const wanted of ready) {
      const fetched = byTopic.get(wanted.topic);
      if (fetched && pool.deliver(wanted, fetched)) {
        await pool.replace(this.#connection, wanted);
      }
    }
  }

  #pause(ms: number): Promise<void> {
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
