// Calls back after one round of the event loop.
// Invariant: at most one call is pending; after cancel() no timer is.

/** While rounds follow each other without a pause, the loop looks at its sockets this often, ms. */
const SOCKET_POLL_MS = 16;

/**
 * The rounds of one user. While immediates follow each other, Deno polls its sockets only once in 61 of them
 * (test/runtime_facts_test.ts). It polls them while it waits for a timer, which takes 1 to 2 ms.
 */
export class EventLoopRounds {
  #polledMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  later(turn: () => void): void {
    const { setImmediate } = globalThis as {
      setImmediate?: (call: () => void) => unknown;
    };
    const hasPolled = performance.now() - this.#polledMs < SOCKET_POLL_MS;
    if (setImmediate && hasPolled) {
      setImmediate(turn);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#polledMs = performance.now();
      turn();
    }, 0);
  }

  /** Ends the timer of the call that is pending, if it has one. */
  cancel(): void {
    clearTimeout(this.#timer);
  }
}
