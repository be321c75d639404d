// Publishes the blocks of the embedded channels into Kafka at the pace of time, or a multiple of it.
// Invariant: each topic's blocks are sent in order, just after their ends; each at least once, or counted as skipped.
import type { BatchSender } from "../kafka/batch_sender.ts";
import type {
  ProducedMessage,
  TopicMessages,
} from "../kafka/kafka_protocol.ts";
import { dueFrom } from "./due_blocks.ts";
import type { EmbeddedBlocks } from "./embedded_blocks.ts";

export interface BlockPublisherOptions {
  readonly blocks: EmbeddedBlocks;
  readonly sender: Pick<BatchSender<ProducedMessage>, "send">;
  /** 1 is real time. */
  readonly rate: number;
  /** GPS time now, by the wall clock. */
  readonly nowGpsNs: () => bigint;
  /** Milliseconds, monotonic. */
  readonly clockMs: () => number;
  /** Resolves after this many ms. */
  readonly wait: (ms: number) => Promise<void>;
  /** Takes a line of text for the user. */
  readonly report: (line: string) => void;
  /** Called after each batch. */
  readonly onProgress: () => void;
}

/** A batch begins at a multiple of this, the shortest stride. */
const GRID_NS = 62_500_000n;
/** What a broker that was away gets afterwards. Older blocks are skipped, also after a jump of the clock ahead. */
const BACKLOG_MAX_MS = 60_000;
/** The most blocks of one topic in one batch. */
const BATCH_BLOCKS_MAX = 64;

export class BlockPublisher {
  /** Blocks that were handed to the sender, and their bytes. */
  written = 0;
  bytes = 0;
  /** Blocks that were skipped because they were older than the backlog. */
  tooOld = 0;
  readonly #options: BlockPublisherOptions;
  /** Index of the next block of each topic. */
  readonly #next: Map<string, number>;
  readonly #beganMs: number;
  readonly #beganNs: bigint;

  constructor(options: BlockPublisherOptions) {
    const { blocks, clockMs, nowGpsNs } = options;
    this.#options = options;
    this.#beganMs = clockMs();
    const beganNs = this.#beganNs = nowGpsNs();
    this.#next = new Map(
      blocks.topics.map((t) => [t, Number(beganNs / blocks.strideNs(t)!)]),
    );
  }

  get elapsedMs(): number {
    return this.#options.clockMs() - this.#beganMs;
  }

  /** Publishes until `isStopped`. */
  async run(isStopped: () => boolean): Promise<void> {
    const { sender, rate, wait, onProgress } = this.#options;
    while (!isStopped()) {
      const { batch, isBehind } = this.#nextBatch();
      if (batch.length > 0) await sender.send(batch);
      onProgress();
      if (isBehind) continue;
      const waitNs = GRID_NS - this.#timeNs() % GRID_NS;
      await wait(Math.ceil(Number(waitNs) / 1e6 / rate));
    }
  }

  /** At rate 1 it is the wall clock, as for any publisher: after the machine slept, publishing continues in the present. */
  #timeNs(): bigint {
    const { rate, nowGpsNs } = this.#options;
    if (rate === 1) return nowGpsNs();
    return this.#beganNs + BigInt(Math.round(this.elapsedMs * 1e6 * rate));
  }

  /** The blocks that are due, of all topics. `isBehind`: more are due than one batch takes. */
  #nextBatch() {
    const nowNs = this.#timeNs();
    const batch: TopicMessages[] = [];
    let isBehind = false;
    for (const topic of this.#options.blocks.topics) {
      const end = this.#endOf(topic, nowNs);
      const from = this.#firstOf(topic, end);
      const to = Math.min(end, from + BATCH_BLOCKS_MAX);
      isBehind ||= to < end;
      const messages = this.#messagesOf(topic, from, to);
      this.#next.set(topic, Math.max(from, to));
      if (messages.length > 0) batch.push({ topic, messages });
    }
    return { batch, isBehind };
  }

  /** Index of the first block that has not ended yet. */
  #endOf(topic: string, nowNs: bigint): number {
    return Number(nowNs / this.#options.blocks.strideNs(topic)!);
  }

  /** Index of the first block to send; reports blocks that are skipped. */
  #firstOf(topic: string, end: number): number {
    const { blocks, rate, report } = this.#options;
    const strideMs = Number(blocks.strideNs(topic)!) / 1e6;
    const { from, skipped } = dueFrom(this.#next.get(topic)!, end, {
      backlog: rate === 1 ? Math.ceil(BACKLOG_MAX_MS / strideMs) : Infinity,
    });
    if (skipped > 0) {
      this.tooOld += skipped;
      const seconds = BACKLOG_MAX_MS / 1000;
      report(
        `${topic}: skipped ${skipped} blocks that are older than ${seconds} s`,
      );
    }
    return from;
  }

  #messagesOf(topic: string, from: number, to: number): ProducedMessage[] {
    const messages: ProducedMessage[] = [];
    for (let index = from; index < to; index++) {
      const value = this.#options.blocks.blockOf(topic, index);
      messages.push({ value });
      this.bytes += value.byteLength;
      this.written++;
    }
    return messages;
  }
}
