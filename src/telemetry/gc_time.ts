// What V8 collects and allocates: the time from its own profiler (Deno's PerformanceObserver reports no collections).
// Invariant: what the profiler gathers is taken and dropped once a second, so that it stays small.
import { GCProfiler, getHeapStatistics } from "node:v8";

const SAMPLE_MS = 1000;
/** A collection's `cost` is in ns: test/telemetry/gc_time_test.ts holds it against the clock. */
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

  /** Bytes of heap objects made since the process began; NaN where V8 does not tell. Buffers' contents are not in it. */
  get allocatedBytes(): number {
    const heap = getHeapStatistics() as { total_allocated_bytes?: number };
    return heap.total_allocated_bytes ?? NaN;
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
