// Divides long work on files into turns of the event loop, so that a large file that changes delays no row.

/** Longest work in one turn, ms. */
const TURN_MS = 2;

/** The turns of one piece of work. */
export class Turns {
  #startedMs = performance.now();

  /** Waits for the next turn if this one has lasted long enough. Call it between steps of much less than a turn. */
  async pause(): Promise<void> {
    if (performance.now() - this.#startedMs < TURN_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#startedMs = performance.now();
  }
}
