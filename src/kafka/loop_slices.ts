// Shares the event loop among all reading of Kafka: work is counted, and what is more than a slice goes on in a later
// round of the loop. Invariant: of the tasks that wait for a turn one goes on a round, in the order in which they came.

/**
 * What one slice may cost, in nanoseconds as bench/kafka_cost_bench.ts measures them: about 4 ms. The cost of each
 * step is an estimate that is counted, not a clock that is read, so that the same bytes always take the same slices.
 */
export const SLICE_COST = 4_000_000;

export interface LoopSlicesOptions {
  /** Calls back once the event loop has been round. @default a timer: Deno looks at its sockets before each */
  readonly later?: (round: () => void) => void;
}

/** The slices of one process. */
export class LoopSlices {
  /** Largest cost of any slice yet. */
  peakCost = 0;
  /** Tasks that went on in a later round. */
  turns = 0;
  readonly #later: (round: () => void) => void;
  readonly #waiting: (() => void)[] = [];
  #spent = 0;
  #isRoundDue = false;

  constructor(options: LoopSlicesOptions = {}) {
    this.#later = options.later ?? ((round) => setTimeout(round, 0));
  }

  /** Counts work that was done in this round. */
  spend(cost: number): void {
    this.#spent += cost;
    if (this.#spent > this.peakCost) this.peakCost = this.#spent;
    this.#awaitRound();
  }

  /** Whether what is left to do belongs in a later round. */
  get isSpent(): boolean {
    return this.#spent >= SLICE_COST;
  }

  /** Resolves in a later round, when it is this caller's turn. */
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
