// Reads more of a history, and tries again after failures.
// Invariant: a failure is logged once while it stays the same, and topics count as failing only until a read succeeds.
import type { HistoryFailures } from "../blocks/history_failures.ts";
import type { HistoryRows } from "../blocks/history_rows.ts";
import type { Logger } from "../telemetry/log.ts";

export interface HistoryReadParts {
  readonly log: Logger;
  readonly clockMs: () => number;
  readonly counters: { reads: number; failures: number };
  readonly failing: HistoryFailures;
  /** Reads that have failed for this long are given up, ms. */
  readonly outageWaitMs: number;
}

/** Who reads. */
export interface HistoryReader {
  /** Whether no client needs the rows any more. */
  readonly isOver: () => boolean;
  /** Resolves after so many ms, or when it is over. */
  readonly pause: (ms: number) => Promise<void>;
  /** Fields for the log. */
  readonly trace: () => Readonly<Record<string, unknown>>;
}

const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 2000;

export class HistoryRead {
  readonly #parts: HistoryReadParts;
  readonly #reader: HistoryReader;
  /** Why the last read failed; null where it has not. */
  #failure: string | null = null;

  constructor(parts: HistoryReadParts, reader: HistoryReader) {
    this.#parts = parts;
    this.#reader = reader;
  }

  get isFailing(): boolean {
    return this.#failure !== null;
  }

  /** False once reads have failed for too long. */
  async more(
    history: HistoryRows,
    topics: readonly string[],
  ): Promise<boolean> {
    const { clockMs, counters, outageWaitMs } = this.#parts;
    const beganMs = clockMs();
    let backOffMs = BACK_OFF_MIN_MS;
    while (!this.#reader.isOver()) {
      try {
        counters.reads++;
        await history.read(topics);
        this.close();
        return true;
      } catch (error) {
        counters.failures++;
        this.#noteFailure(topics, (error as Error).message);
        if (clockMs() - beganMs > outageWaitMs) return false;
        await this.#reader.pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    return true;
  }

  /** Nothing fails any more. */
  close(): void {
    this.#failure = null;
    this.#parts.failing.over(this);
  }

  #noteFailure(topics: readonly string[], error: string): void {
    const isKnown = this.#failure === error;
    this.#failure = error;
    this.#parts.failing.failed(this, topics);
    if (isKnown) return;
    const { log } = this.#parts;
    log.warn("past-read-failed", { topics, error, ...this.#reader.trace() });
  }
}
