// Lets new streams in a few a turn, so that a storm of them delays no row by more than its slice.
// Invariant: first come, first served; nobody waits once it is closed.
import type { Turns, Work } from "./turns.ts";

/** About 0.3 ms each, most of it the HTTP request. */
const OPENINGS_A_TURN = 8;

/** Requests that wait to be admitted. */
export class Openings implements Work {
  readonly #turns: Turns;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when it is the caller's turn. */
  turn(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#turns.ask(this);
    });
  }

  work(): boolean {
    for (const resolve of this.#waiting.splice(0, OPENINGS_A_TURN)) resolve();
    return this.#waiting.length > 0;
  }

  /** Lets everybody go on; whoever admits them refuses them. */
  close(): void {
    this.#isClosed = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
