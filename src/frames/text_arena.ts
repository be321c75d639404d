// The memory in which the JSON texts of channels lie, so that all selections of a row can copy them from there.
// Invariant: a text is valid while `generation` is the one in which it was made.
import { AllocationMeter } from "../memory/allocation_meter.ts";

const ARENA_BYTES = 4 * 1024 * 1024;
const SAMPLES_BYTES = 64 * 1024;

/** Texts of channels, one behind the other. One per process. */
export class TextArena {
  bytes = new Uint8Array(ARENA_BYTES);
  /** Bytes in use; the next text begins there. */
  used = 0;
  /** Counts how often all texts were dropped. */
  generation = 0;
  /** Number of the newest text: each text has its own. */
  stamp = 0;
  #samples = new Uint8Array(SAMPLES_BYTES);
  readonly #allocations: AllocationMeter;

  constructor(allocations: AllocationMeter = new AllocationMeter()) {
    this.#allocations = allocations;
  }

  /** Drops all texts: rows of the same time can come again with other samples. */
  clear(): void {
    this.generation++;
    this.used = 0;
  }

  /** Makes room for `byteLength` bytes, if need be by dropping all texts; the byte offset where they begin. */
  reserve(byteLength: number): number {
    if (this.used + byteLength > this.bytes.byteLength) {
      this.clear();
      if (byteLength > this.bytes.byteLength) {
        this.bytes = this.#allocations.make(byteLength);
      }
    }
    return this.used;
  }

  /** A buffer for the samples of one channel and row, aligned for every data type. */
  samples(byteLength: number): Uint8Array {
    if (byteLength > this.#samples.byteLength) {
      this.#samples = this.#allocations.make(byteLength);
    }
    return this.#samples;
  }
}
