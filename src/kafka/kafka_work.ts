// What all reading of one process shares: slices of the event loop, memory for decompressed batches, counters of time.
// Invariant: the time of a task does not include its waits.
import { ByteBudget } from "./byte_budget.ts";
import { LoopSlices } from "./loop_slices.ts";

/** Time of the event loop that is spent on Kafka, s. */
export interface KafkaTime {
  /** Decoding of answers: batches, decompression of snappy and lz4, records. */
  decode: number;
  /** Handing records to their readers, with all that the readers do in that call. */
  deliver: number;
}

/**
 * Largest size of a batch when it is decompressed. Publishers write messages of up to 10 MB, and Kafka's producers
 * close a batch at 1 MB or at its first message beyond that, so an honest batch has a sixth of this at most.
 */
export const BATCH_BYTES_MAX = 64 * 1024 * 1024;
/** The most bytes of decompressed batches at one time, over all topics: four of the largest. */
const EXPANDED_BYTES_MAX = 4 * BATCH_BYTES_MAX;

export interface KafkaWorkOptions {
  readonly slices?: LoopSlices;
  readonly nowMs?: () => number;
  readonly expandedBytesMax?: number;
}

/** The shared parts. */
export class KafkaWork {
  readonly slices: LoopSlices;
  /** Memory for decompressed batches. */
  readonly room: ByteBudget;
  readonly time: KafkaTime = { decode: 0, deliver: 0 };
  readonly nowMs: () => number;

  constructor(options: KafkaWorkOptions = {}) {
    this.slices = options.slices ?? new LoopSlices();
    this.room = new ByteBudget(options.expandedBytesMax ?? EXPANDED_BYTES_MAX);
    this.nowMs = options.nowMs ?? (() => performance.now());
  }

  task(part: keyof KafkaTime): KafkaTask {
    return new KafkaTask(this, part);
  }
}

/** One piece of work that takes several slices. */
export class KafkaTask {
  readonly #work: KafkaWork;
  readonly #part: keyof KafkaTime;
  #beganMs = -1;

  constructor(work: KafkaWork, part: keyof KafkaTime) {
    this.#work = work;
    this.#part = part;
  }

  /** Begins to count time. */
  start(): void {
    this.#beganMs = this.#work.nowMs();
  }

  stop(): void {
    if (this.#beganMs < 0) return;
    this.#work.time[this.#part] += (this.#work.nowMs() - this.#beganMs) / 1000;
    this.#beganMs = -1;
  }

  spend(cost: number): void {
    this.#work.slices.spend(cost);
  }

  get isSpent(): boolean {
    return this.#work.slices.isSpent;
  }

  /** Waits for the next turn; the wait is not counted. */
  async turn(): Promise<void> {
    this.stop();
    await this.#work.slices.turn();
    this.start();
  }
}
