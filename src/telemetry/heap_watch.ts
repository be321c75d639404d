// Warns once when the heap of this thread is nearly full: beyond its limit V8 ends the process, without a line in the log.
import { getHeapStatistics } from "node:v8";
import type { Logger } from "./log.ts";

const MIB = 1024 * 1024;
/** The part of the limit at which it warns. */
const NEARLY_FULL = 0.9;

/** Of one isolate, bytes. */
export interface HeapFigures {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** The heap of one thread. */
export class HeapWatch {
  readonly #log: Logger;
  readonly #read: () => HeapFigures;
  #hasWarned = false;

  constructor(log: Logger, read: () => HeapFigures = heapOfThisThread) {
    this.#log = log;
    this.#read = read;
  }

  /** Call about once a second. */
  tick(): void {
    if (this.#hasWarned) return;
    const { usedBytes, limitBytes } = this.#read();
    if (usedBytes < NEARLY_FULL * limitBytes) return;
    this.#hasWarned = true;
    this.#log.warn("heap-nearly-full", {
      usedMb: Math.round(usedBytes / MIB),
      limitMb: Math.round(limitBytes / MIB),
      effect: "beyond its limit V8 ends the process with exit code 133",
      remedy: "fewer clients, more instances, or --max-old-space-size of V8",
    });
  }
}

function heapOfThisThread(): HeapFigures {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return { usedBytes: used_heap_size, limitBytes: heap_size_limit };
}
