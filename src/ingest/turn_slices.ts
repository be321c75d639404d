// Slices that several tasks share, one per turn of the event loop.
// Invariant: all tasks together work for at most one slice in a turn, in the order in which they came.

export interface TurnSlicesOptions {
  /** Milliseconds, monotonic. */
  readonly clockMs: () => number;
  readonly sliceMs: number;
}

export class TurnSlices {
  readonly #options: TurnSlicesOptions;
  #endMs = 0;
  #nextTurn: Promise<void> | null = null;

  constructor(options: TurnSlicesOptions) {
    this.#options = options;
  }

  /** Whether the slice of this turn is over. */
  get isOver(): boolean {
    return this.#options.clockMs() >= this.#endMs;
  }

  /** Resolves in a later turn. Its slice may be over already when others were before. */
  next(): Promise<void> {
    return this.#nextTurn ??= this.#begin();
  }

  async #begin(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#nextTurn = null;
    this.#endMs = this.#options.clockMs() + this.#options.sliceMs;
  }
}
