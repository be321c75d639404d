// Shares the event loop among all reading of Kafka: work is counted, and what exceeds a slice continues in a later round of
// the loop.
// Invariant: one of the waiting tasks continues in each round, in the order in which they came.

/**
 * The cost of one slice, in ns as bench/kafka_cost_bench.ts measures them: about 4 ms. The cost of a step is estimated,
 * not measured by a clock, so that the same bytes always take the same slices.
 */
export const SLICE_COST = 4_000_000;

export interface LoopSlicesOptions {
  /** Calls back in the next round of the event loop. @default a timer: Deno polls its sockets before each */
  readonly later?: (round: () => void) => void;
}

/** The slices of one process. */
export class LoopSlices {
  /** The largest cost of a slice so far. */
  peakCost = 0;
  /** How often a task continued in a later round. */
  turns = 0;
  readonly #later: (round: () => void) => void;
  readonly #waiting: (() => void)[] = [];
  #spent = 0;
  #isRoundDue = false;

  constructor(options: LoopSlicesOptions = {}) {
    this.#later = options.later ?? ((round) => setTimeout(round, 0));
  }

  /** Counts work that was done in the current round. */
  spend(cost: number): void {
    this.#spent += cost;
    if (this.#spent > this.peakCost) this.peakCost = this.#spent;
    this.#awaitRound();
  }

  /** Whether the slice is used up: further work belongs in a later round. */
  get isSpent(): boolean {
    return this.#spent >= SLICE_COST;
  }

  /** Resolves in a later round, when it is the caller's turn. */
  turn(): Promise<void> {
    this.turns++;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#awaitRound();
    });
  }

  #awaitRound(): void {
    if (this.#isRoundDue) return;
    this.#isRoundDue = true;
    this.#later(() => this.#round());
  }

  #round(): void {
    this.#isRoundDue = false;
    this.#spent = 0;
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) this.#awaitRound();
  }
}
