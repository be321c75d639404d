// Since when topics have blocks: what the source says, kept for a while, since requests of untrusted clients ask for it.
// Invariant: however many ask, the source is asked for few topics at a time, few times in a second, and for each topic
// once while its answer is kept.
import type { Source } from "../source/source.ts";

export interface OldestBlocksOptions {
  readonly source: Pick<Source, "oldestMs">;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** Calls `call` after `ms`, unless the returned function is called first. @default setTimeout */
  readonly timer?: ((call: () => void, ms: number) => () => void) | undefined;
}

/** A time is kept for so long, ms; a failure, or that there is none, for a shorter time. */
export const OLDEST_KEPT_MS = 10_000;
const UNKNOWN_KEPT_MS = 1000;
/** An answer is waited for at most so long, ms. */
const WAIT_MS = 1000;
/** Most topics that the source is asked for at a time, and in a second. */
const ASKED_MAX = 4;
const ASKED_A_SECOND = 20;
/** Most topics whose answers are kept. */
const TOPICS_MAX = 4096;

interface Known {
  answer: Promise<number | null>;
  /** The last answer; null before the first. */
  lastMs: number | null;
  untilClockMs: number;
}

/** The oldest blocks of one source's topics. */
export class OldestBlocks {
  /** `limited`: not asked, as too many others are. */
  readonly counters = { answered: 0, failed: 0, limited: 0 };
  readonly #options: OldestBlocksOptions;
  /** By topic, the one that was asked for last at the end. */
  readonly #known = new Map<string, Known>();
  #asking = 0;
  #secondClockMs = -Infinity;
  #askedInSecond = 0;

  constructor(options: OldestBlocksOptions) {
    this.#options = options;
  }

  /** GPS ms at which the oldest block of a topic begins, at most ten seconds old; null where that is not known. */
  of(topic: string): Promise<number | null> {
    if (this.#options.source.oldestMs === undefined) {
      return Promise.resolve(null);
    }
    const nowMs = this.#options.clockMs();
    const known = this.#known.get(topic);
    if (known !== undefined && nowMs < known.untilClockMs) return known.answer;
    if (!this.#mayAsk(nowMs)) {
      this.counters.limited++;
      return Promise.resolve(known?.lastMs ?? null);
    }
    return this.#ask(topic, known?.lastMs ?? null);
  }

  #mayAsk(nowMs: number): boolean {
    if (this.#asking >= ASKED_MAX) return false;
    if (nowMs - this.#secondClockMs >= 1000) {
      this.#secondClockMs = nowMs;
      this.#askedInSecond = 0;
    }
    return this.#askedInSecond < ASKED_A_SECOND;
  }

  #ask(topic: string, lastMs: number | null): Promise<number | null> {
    const { clockMs } = this.#options;
    this.#askedInSecond++;
    this.#asking++;
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const known: Known = {
      answer: promise,
      lastMs,
      untilClockMs: clockMs() + OLDEST_KEPT_MS,
    };
    const { timer = timeout } = this.#options;
    const cancelTimer = timer(() => resolve(null), WAIT_MS);
    this.#asked(topic).then(
      (oldestMs) => {
        this.counters.answered++;
        known.lastMs = oldestMs;
        if (oldestMs === null) this.#keepUnknown(known);
        // It may have come after the wait.
        known.answer = Promise.resolve(oldestMs);
        resolve(oldestMs);
      },
      () => {
        this.counters.failed++;
        this.#keepUnknown(known);
        resolve(null);
      },
    ).finally(() => {
      cancelTimer();
      this.#asking--;
    });
    this.#known.delete(topic);
    this.#known.set(topic, known);
    if (this.#known.size > TOPICS_MAX) {
      this.#known.delete(this.#known.keys().next().value!);
    }
    return promise;
  }

  #keepUnknown(known: Known): void {
    known.untilClockMs = this.#options.clockMs() + UNKNOWN_KEPT_MS;
  }

  /** A source that throws rejects. */
  async #asked(topic: string): Promise<number | null> {
    return await this.#options.source.oldestMs!(topic);
  }
}

function timeout(call: () => void, ms: number): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}
