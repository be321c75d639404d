// Puts every clock, timer and random number of this thread into a scenario's hand, including those that are not passed as an argument.
// Invariant: restore() puts back what was there before.
import { setImmediate } from "node:timers";

interface Timer {
  readonly id: number;
  readonly dueMs: number;
  readonly call: () => void;
}

const REAL = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  now: Date.now,
  performanceNow: performance.now,
  random: Math.random,
};
/** Timers that are due so soon may run at once, so that no scenario has to let time pass for them. */
const SOON_MS = 25;
/** Rounds in which such timers run: one that sets itself again must not keep the others from an end. */
const SOON_ROUNDS = 3;
/** Rounds of the event loop in which nothing happens before all has happened. */
const QUIET_ROUNDS = 2;
const ROUNDS_MAX = 5000;

/** Waits for one round of the real event loop. */
export function round(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Milliseconds of the real monotonic clock. */
export function realMs(): number {
  return REAL.performanceNow.call(performance);
}

export class FrozenTime {
  readonly #clockMs: () => number;
  readonly #timers = new Map<number, Timer>();
  readonly #intervals = new Map<number, () => void>();
  #nextId = 1_000_000_000;
  #seed = 1;

  constructor(clocks: { nowMs: () => number; clockMs: () => number }) {
    this.#clockMs = clocks.clockMs;
    Date.now = clocks.nowMs;
    performance.now = clocks.clockMs;
    Math.random = () => {
      this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
      return this.#seed / 2 ** 32;
    };
    const set = (
      call: (...args: unknown[]) => void,
      ms = 0,
      ...args: unknown[]
    ) => {
      const id = this.#nextId++;
      const dueMs = this.#clockMs() + ms;
      this.#timers.set(id, { id, dueMs, call: () => call(...args) });
      return id;
    };
    const clear = (id: number) => {
      if (!this.#timers.delete(id)) REAL.clearTimeout(id);
    };
    const setEvery = (call: () => void) => {
      const id = this.#nextId++;
      this.#intervals.set(id, call);
      return id;
    };
    const clearEvery = (id: number) => {
      if (!this.#intervals.delete(id)) REAL.clearInterval(id);
    };
    Object.assign(globalThis, {
      setTimeout: set,
      clearTimeout: clear,
      setInterval: setEvery,
      clearInterval: clearEvery,
    });
  }

  /** Calls what was to be called at intervals. */
  tick(): void {
    for (const call of [...this.#intervals.values()]) call();
  }

  /** Calls the timers that are due, and those that soon will be; how many there were. */
  fire(options: { readonly isSoonEnough: boolean }): number {
    const dueMs = this.#clockMs() + (options.isSoonEnough ? SOON_MS : 0);
    const due = [...this.#timers.values()].filter((t) => t.dueMs <= dueMs);
    due.sort((a, b) => a.dueMs - b.dueMs || a.id - b.id);
    for (const { id, call } of due) if (this.#timers.delete(id)) call();
    return due.length;
  }

  /** Lets turns, timers and promises run until nothing happens any more: `turns` runs those that are due. */
  async settle(turns: { run(): number }): Promise<void> {
    for (let quiet = 0, rounds = 0; quiet < QUIET_ROUNDS; rounds++) {
      if (rounds === ROUNDS_MAX) throw new Error("There is always more to do");
      const done = turns.run() +
        this.fire({ isSoonEnough: rounds < SOON_ROUNDS });
      await round();
      quiet = done === 0 ? quiet + 1 : 0;
    }
  }

  restore(): void {
    Date.now = REAL.now;
    performance.now = REAL.performanceNow;
    Math.random = REAL.random;
    const { setTimeout, clearTimeout, setInterval, clearInterval } = REAL;
    Object.assign(globalThis, {
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
    });
  }
}
