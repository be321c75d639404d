// A lock in shared memory, for work of about a microsecond. Invariant: at most one thread holds it. It is not reentrant,
// and a thread that ends while it holds the lock never returns it: what runs under it must not throw.

const FREE = 0;
const HELD = 1;
/** Held, and a thread sleeps until it is returned. */
const AWAITED = 2;
/** Tries before a thread sleeps: its holder needs less time than waking a thread. */
const SPINS = 200;
/** Longest sleep, ms, after which a thread looks at its limit. */
const SLEEP_MS = 50;

/** One word of memory that threads share. */
export class ShareLock {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #at: number;

  constructor(cells: Int32Array<SharedArrayBuffer>, at: number) {
    this.#cells = cells;
    this.#at = at;
  }

  /** Waits for it, at most about `maxMs`; false when that was not enough. */
  acquire(maxMs = Infinity): boolean {
    for (let i = 0; i < SPINS; i++) {
      if (this.#isTaken(HELD)) return true;
    }
    for (let leftMs = maxMs; leftMs > 0; leftMs -= SLEEP_MS) {
      if (Atomics.exchange(this.#cells, this.#at, AWAITED) === FREE) {
        return true;
      }
      Atomics.wait(this.#cells, this.#at, AWAITED, Math.min(SLEEP_MS, leftMs));
    }
    return false;
  }

  release(): void {
    const before = Atomics.exchange(this.#cells, this.#at, FREE);
    if (before === AWAITED) Atomics.notify(this.#cells, this.#at, 1);
  }

  #isTaken(as: number): boolean {
    return Atomics.compareExchange(this.#cells, this.#at, FREE, as) === FREE;
  }
}
