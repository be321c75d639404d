// Lets history feeds run one after another, with a rest after each slice, so that they leave time to live rows.
// Invariant: one slice at a time; all history takes a third of the event loop at most.

/** After a slice all history rests for so many times its length. */
const REST = 2;

export class HistoryTurns {
  /** Resolves when the last slice that was asked for is over, and its rest. */
  #lastSlice: Promise<void> = Promise.resolve();

  /** Runs one slice when all that were asked for before are over. */
  async run<T>(slice: () => T): Promise<T> {
    const before = this.#lastSlice;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastSlice = promise;
    await before;
    const beganMs = performance.now();
    try {
      return slice();
    } finally {
      setTimeout(resolve, REST * (performance.now() - beganMs));
    }
  }
}
