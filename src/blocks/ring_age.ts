// How many seconds a page ring holds: notes when each page began to be written.
// Invariant: each page that is held has the time of its first record.
import type { Ring } from "../memory/ring.ts";

/** Times of a ring's pages. */
export class RingAge {
  readonly #ring: Ring;
  readonly #beganMs: Float64Array;
  #pages = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
    this.#beganMs = new Float64Array(ring.capacityBytes / ring.pageBytes);
  }

  /** Call after a record was written. O(1) except for records of many pages. */
  note(clockMs: number): void {
    const { headPosition, pageBytes } = this.#ring;
    const pages = Math.ceil(headPosition / pageBytes);
    while (this.#pages < pages) {
      this.#beganMs[this.#pages++ % this.#beganMs.length] = clockMs;
    }
  }

  /** Age of the oldest page that is held whole; 0 while the ring is empty. */
  heldMs(clockMs: number): number {
    if (this.#pages === 0) return 0;
    const oldest = this.#ring.oldestPosition / this.#ring.pageBytes;
    return Math.max(0, clockMs - this.#beganMs[oldest % this.#beganMs.length]!);
  }
}
