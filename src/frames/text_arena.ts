// The memory of the JSON texts of channels, from which all selections of a row copy them.
// Invariant: a text is valid until the `generation` in which it was made ends.
import { AllocationMeter } from "../memory/allocation_meter.ts";

const ARENA_BYTES = 4 * 1024 * 1024;
/** It grows so far while the texts of several rows are kept. */
const GROWN_BYTES_MAX = 32 * 1024 * 1024;
const SAMPLES_BYTES = 64 * 1024;

/** Texts of channels, one after another. One per process. */
export class TextArena {
  bytes = new Uint8Array(ARENA_BYTES);
  /** Bytes in use; the next text begins after them. */
  used = 0;
  /** Counts how often all texts were dropped. */
  generation = 0;
  /** Whether channels keep the texts of several rows, because selections are encoded several rows at once. */
  keepsRows = false;
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

  /** Makes room for `byteLength` bytes, if necessary by dropping all texts. Returns their byte offset. */
  reserve(byteLength: number): number {
    if (this.used + byteLength > this.bytes.byteLength) {
      const { byteLength: bytes } = this.bytes;
      if (this.keepsRows && bytes < GROWN_BYTES_MAX) {
        // Texts stay valid in the buffer that they are in.
        this.bytes = this.#allocations.make(2 * bytes);
        this.used = 0;
      } else this.clear();
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
