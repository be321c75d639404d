// What all reading of one process shares: slices of the event loop, memory for expanded batches, time counted.
// Invariant: a task's time is counted between its waits only; what happens while it waits is not its time.
import { ByteBudget } from "./byte_budget.ts";
import { LoopSlices } from "./loop_slices.ts";

/** Time of the event loop spent on Kafka, s. */
export interface KafkaTime {
  /** Answers taken apart: batches, what is decompressed here (snappy, lz4), records. */
  decode: number;
  /** Records handed to their readers, with all that they do in that call. */
  deliver: number;
}

/**
 * Largest size of a batch when it is decompressed. Publishers write messages up to 10 MB, and Kafka's producers close
 * a batch at 1 MB or at its first message beyond that, so that an honest batch is a sixth of this at most.
 */
export const BATCH_BYTES_MAX = 64 * 1024 * 1024;
/** Decompressed batches that are held at one time, all topics together: four of the largest. */
const EXPANDED_BYTES_MAX = 4 * BATCH_BYTES_MAX;

export interface KafkaWorkOptions {
  readonly slices?: LoopSlices;
  readonly nowMs?: () => number;
  readonly expandedBytesMax?: number;
}

/** The shared parts. */
export class KafkaWork {
  readonly slices: LoopSlices;
  /** Room for decompressed batches. */
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

/** One piece of work that goes on over several slices. */
export class KafkaTask {
  readonly #work: KafkaWork;
  readonly #part: keyof KafkaTime;
  #beganMs = -1;

  constructor(work: KafkaWork, part: keyof KafkaTime) {
    this.#work = work;
    this.#part = part;
  }

  /** Its time is counted from now on. */
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

  /** Waits for another turn. */
  async turn(): Promise<void> {
    this.stop();
    await this.#work.slices.turn();
    this.start();
  }
}
