// Calls the parts of an instance ten times a second, and measures how late each call is: the delay of the event loop.
// Invariant: after close() nothing is called.
import { Histogram } from "./histogram.ts";

const TICK_MS = 100;
const SECOND_MS = 1000;
/** The recent delay falls by a tenth each tick, so that one long delay stays visible for a few seconds. */
const DECAY = 0.9;

export interface TickerOptions {
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** Ten times a second. */
  readonly onTick: () => void;
  /** About once a second, after onTick. */
  readonly onSecond: () => void;
  /** Calls at an interval until it is closed. @default setInterval */
  readonly every?: (call: () => void, ms: number) => { close(): void };
}

/** A timer from start() to close(). */
export class Ticker {
  /** How late the calls were, seconds. */
  readonly waits: Histogram = new Histogram();
  readonly #options: TickerOptions;
  #timer: { close(): void } | null = null;
  #dueMs = 0;
  #secondMs = -Infinity;
  #delayMs = 0;

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** The largest recent delay, ms. */
  get delayMs(): number {
    return this.#delayMs;
  }

  start(): void {
    this.#dueMs = this.#options.clockMs() + TICK_MS;
    const { every = interval } = this.#options;
    this.#timer = every(() => this.#tick(), TICK_MS);
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.close();
    this.#timer = null;
  }

  #tick(): void {
    const { clockMs, onSecond, onTick } = this.#options;
    const nowMs = clockMs();
    const lateMs = Math.max(0, nowMs - this.#dueMs);
    this.waits.observe(lateMs / 1000);
    this.#delayMs = Math.max(lateMs, this.#delayMs * DECAY);
    this.#dueMs = nowMs + TICK_MS;
    onTick();
    if (nowMs - this.#secondMs < SECOND_MS) return;
    this.#secondMs = nowMs;
    onSecond();
  }
}

function interval(call: () => void, ms: number): { close(): void } {
  const timer = setInterval(call, ms);
  return { close: () => clearInterval(timer) };
}
