// Writes blocks into Kafka through outages: a batch is tried again until the cluster takes it. Messages that the cluster
// refuses are skipped and reported.
// Invariant: a message is written at least once, or counted as skipped.

import { RefusedError, type TopicMessages } from "./kafka_protocol.ts";

export interface BatchSenderOptions<Message> {
  /** Writes all messages, or rejects; with a {@linkcode RefusedError} where Kafka refuses. */
  readonly send: (batch: readonly TopicMessages<Message>[]) => Promise<void>;
  /** Takes a line of text for the user. */
  readonly report: (line: string) => void;
  /** Resolves after this time, or once it is stopped. */
  readonly wait: (ms: number) => Promise<void>;
  readonly isStopped: () => boolean;
  /** The time, ms, monotonic. */
  readonly nowMs: () => number;
}

const WAIT_MIN_MS = 250;
const WAIT_MAX_MS = 5000;
/** A refusal that may pass, as while leaders move, is tried again for this long. */
const REFUSED_MAX_MS = 30_000;
/** After the first skipped message of a topic, one line reports this many. */
const REPORT_EVERY = 1000;

/** Sends batches one after the other. */
export class BatchSender<Message> {
  /** Messages that Kafka refused, by topic. */
  readonly skipped = new Map<string, number>();
  /** Messages that were not written because it was stopped. */
  unsentCount = 0;
  readonly #options: BatchSenderOptions<Message>;

  constructor(options: BatchSenderOptions<Message>) {
    this.#options = options;
  }

  get skippedCount(): number {
    return [...this.skipped.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves once all messages are written or skipped, or it was stopped. */
  async send(batch: readonly TopicMessages<Message>[]): Promise<void> {
    const { send, report, wait, isStopped, nowMs } = this.#options;
    const beganMs = nowMs();
    let waitMs = WAIT_MIN_MS;
    for (let tries = 1;; tries++) {
      try {
        await send(batch);
        if (tries > 1) report("Kafka takes blocks again");
        return;
      } catch (error) {
        const refusal = error instanceof RefusedError ? error : null;
        const isTried = nowMs() - beganMs >= REFUSED_MAX_MS;
        if (refusal !== null && (refusal.isFinal || isTried)) {
          return await this.#split(batch, refusal.kafkaName);
        }
        if (tries === 1) {
          const reason = refusal?.kafkaName ?? (error as Error).message;
          report(`Cannot write to Kafka, trying again: ${reason}`);
        }
        if (!isStopped()) await wait(waitMs);
        if (isStopped()) return this.#giveUp(batch);
        waitMs = Math.min(2 * waitMs, WAIT_MAX_MS);
      }
    }
  }

  #giveUp(batch: readonly TopicMessages<Message>[]): void {
    for (const { messages } of batch) this.unsentCount += messages.length;
  }

  /** Halves the batch until the refused messages are found, so that the others are written. */
  async #split(
    batch: readonly TopicMessages<Message>[],
    reason: string,
  ): Promise<void> {
    const [first] = batch;
    if (batch.length > 1) {
      for (const part of batch) await this.send([part]);
    } else if (first && first.messages.length > 1) {
      const { topic, messages } = first;
      const half = Math.ceil(messages.length / 2);
      await this.send([{ topic, messages: messages.slice(0, half) }]);
      await this.send([{ topic, messages: messages.slice(half) }]);
    } else if (first) this.#skip(first.topic, reason);
  }

  #skip(topic: string, reason: string): void {
    const count = (this.skipped.get(topic) ?? 0) + 1;
    this.skipped.set(topic, count);
    if (count > 1 && count % REPORT_EVERY !== 0) return;
    const blocks = count === 1 ? "a block" : `${count} blocks so far`;
    this.#options.report(
      `${topic}: skipped ${blocks}, which Kafka refuses: ${reason}`,
    );
  }
}
