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
