// Time in garbage collection and bytes allocated on the heap, by V8's own profiler (Deno's PerformanceObserver reports no
// collections). Invariant: the profiler's records are read and dropped once a second, so that they stay few.
import { GCProfiler, getHeapStatistics } from "node:v8";

const SAMPLE_MS = 1000;
/** A collection's `cost` is in ns: test/telemetry/gc_time_test.ts checks it. */
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

  /** Seconds in garbage collection since construction, as of the last sample. */
  get seconds(): number {
    return this.#seconds;
  }

  /** Garbage collections since construction, as of the last sample. */
  get collections(): number {
    return this.#collections;
  }

  /** Bytes of heap objects allocated since the process started, without the contents of buffers; NaN where V8 does not report it. */
  get allocatedBytes(): number {
    const heap = getHeapStatistics() as { total_allocated_bytes?: number };
    return heap.total_allocated_bytes ?? NaN;
  }

  /** Adds up the records since the last sample. */
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
