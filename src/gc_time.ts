// Time that V8 spends collecting garbage, from its own profiler (Deno's PerformanceObserver reports no collections).
// Invariant: what the profiler gathers is taken and dropped once a second, so that it stays small.
import { GCProfiler } from "node:v8";

const SAMPLE_MS = 1000;
/** A collection's `cost` is in ns: test/gc_time_test.ts holds it against the clock. */
const NS_PER_SECOND = 1e9;

/** Counts from construction to close(). */
export class GcTime {
  #profiler = new GCProfiler();
  #seconds = 0;
  #collections = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    this.#profiler.start();
    this.#timer = setInterval(() => this.sample(), SAMPLE_MS);
  }

  /** Seconds in collections, whole life; as of the last sample. */
  get seconds(): number {
    return this.#seconds;
  }

  get collections(): number {
    return this.#collections;
  }

  /** Takes what has been gathered. */
  sample(): void {
    this.#take();
    this.#profiler = new GCProfiler();
    this.#profiler.start();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#take();
  }

  #take(): void {
    const { statistics } = this.#profiler.stop();
    for (const { cost } of statistics) this.#seconds += cost / NS_PER_SECOND;
    this.#collections += statistics.length;
  }
}
