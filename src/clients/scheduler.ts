// Shares the event loop: each kind of work gets a slice of a turn, then Kafka, new requests and timers have theirs.
// Invariant: one turn at most is waiting; a work that has something left is asked again in the next one.

/** While turns follow each other the sockets are looked at so often, ms. */
const SOCKETS_MS = 16;

/** Something that can be done a slice at a time. */
export interface Task {
  /** Goes on until nothing is left (false) or `endMs` of the clock has passed (true). */
  work(endMs: number): boolean;
}

export interface SchedulerOptions {
  /** Longest slice of each work, ms. */
  readonly sliceMs: number;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: () => number;
  /** Calls back once the event loop has been round. @default setImmediate, and a timer every few ms */
  readonly later?: ((turn: () => void) => void) | undefined;
}

/** CooperativeScheduler of one instance. */
export class CooperativeScheduler {
  readonly clockMs: () => number;
  readonly #sliceMs: number;
  readonly #later: (turn: () => void) => void;
  /** In the order in which they are served. */
  #works: readonly Task[] = [];
  readonly #due = new Set<Task>();
  #isWaiting = false;
  #isClosed = false;
  /** End of the slice that work outside of turns has in this round of the loop; 0: it has not begun. */
  #roundEndMs = 0;

  constructor(options: SchedulerOptions) {
    this.#sliceMs = options.sliceMs;
    this.clockMs = options.clockMs ?? (() => performance.now());
    this.#later = options.later ?? rounds();
  }

  /** Says which works there are, first served first. */
  serve(...works: readonly Task[]): void {
    this.#works = works;
  }

  /** Has a work done in the next turn. */
  ask(work: Task): void {
    this.#due.add(work);
    this.#wait();
  }

  /** Does what fits of a work at once, all calls of one round of the loop together no more than a slice. */
  begin(work: Task): void {
    if (this.#due.has(work)) return;
    const nowMs = this.clockMs();
    if (this.#roundEndMs === 0) {
      this.#roundEndMs = nowMs + this.#sliceMs;
      this.#wait();
    }
    if (nowMs >= this.#roundEndMs || work.work(this.#roundEndMs)) {
      this.#due.add(work);
      this.#wait();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#due.clear();
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#later(() => this.#turn());
  }

  #turn(): void {
    this.#isWaiting = false;
    this.#roundEndMs = 0;
    if (this.#isClosed) return;
    for (const work of this.#works) {
      if (!this.#due.delete(work)) continue;
      if (work.work(this.clockMs() + this.#sliceMs)) this.#due.add(work);
    }
    if (this.#due.size > 0) this.#wait();
  }
}

/**
 * Rounds of the event loop. While immediates follow each other Deno looks at its sockets once in 61 of them only
 * (test/runtime_facts_test.ts); it does while it waits for a timer, which takes 1 to 2 ms.
 */
export function rounds(): (turn: () => void) => void {
  const { setImmediate } = globalThis as {
    setImmediate?: (call: () => void) => unknown;
  };
  let waitedMs = 0;
  return (turn) => {
    if (setImmediate && performance.now() - waitedMs < SOCKETS_MS) {
      setImmediate(turn);
    } else {
      setTimeout(() => {
        waitedMs = performance.now();
        turn();
      }, 0);
    }
  };
}
