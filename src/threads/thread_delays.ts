// How late the event loop of each thread of a process is, in shared memory: a thread that hangs shows by its counter.
// Invariant: each cell has one writer, except that the reading thread clears those of a thread that has ended.

/** The reading thread, and at most so many that serve. */
const THREADS_MAX = 65;
const CELLS = 2;
/** Cells of a thread. Its ticks are 0 while it does not run. */
const TICKS = 0;
const DELAY_MS = 1;
/** How often each thread ticks, ms. */
const TICK_MS = 100;

/** One thread's view. */
export class ThreadDelays {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #own: number;
  /** By thread: its ticks when this one looked last, and when they were first so many, by this thread's clock. */
  readonly #seen: Int32Array = new Int32Array(THREADS_MAX);
  readonly #sinceMs: Float64Array = new Float64Array(THREADS_MAX);

  /** `thread`: number of this one, from −1. `buffer`: that of another thread. @default a new one */
  constructor(
    thread: number,
    buffer: SharedArrayBuffer = new SharedArrayBuffer(
      THREADS_MAX * CELLS * Int32Array.BYTES_PER_ELEMENT,
    ),
  ) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
    this.#own = thread + 1;
  }

  /** Call ten times a second. `delayMs`: the largest recent delay of this thread; `clockMs`: now, monotonic. */
  tick(delayMs: number, clockMs: number): void {
    Atomics.store(this.#cells, this.#own * CELLS + DELAY_MS, delayMs);
    Atomics.add(this.#cells, this.#own * CELLS + TICKS, 1);
    for (let thread = 0; thread < THREADS_MAX; thread++) {
      const ticks = Atomics.load(this.#cells, thread * CELLS + TICKS);
      if (ticks === this.#seen[thread]) continue;
      this.#seen[thread] = ticks;
      this.#sinceMs[thread] = clockMs;
    }
  }

  /** The largest recent delay of the other threads, ms; of one that hangs, for how long. `thread`: from −1. */
  largestOfOthers(
    clockMs: number,
  ): { readonly thread: number; readonly ms: number } {
    let largest = { thread: -1, ms: 0 };
    for (let thread = -1; thread < THREADS_MAX - 1; thread++) {
      if (thread + 1 === this.#own) continue;
      const ms = this.delayOf(thread, clockMs);
      if (ms > largest.ms) largest = { thread, ms };
    }
    return largest;
  }

  /** The same of one thread; 0 where it does not run. */
  delayOf(thread: number, clockMs: number): number {
    const at = thread + 1;
    if (this.#seen[at] === 0) return 0;
    const delayMs = Atomics.load(this.#cells, at * CELLS + DELAY_MS);
    const stillMs = clockMs - this.#sinceMs[at]! - 2 * TICK_MS;
    return Math.max(delayMs, stillMs);
  }

  /** A thread has ended: it is not late. */
  forget(thread: number): void {
    Atomics.store(this.#cells, (thread + 1) * CELLS + TICKS, 0);
    Atomics.store(this.#cells, (thread + 1) * CELLS + DELAY_MS, 0);
  }
}
