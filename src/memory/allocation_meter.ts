// Counts and times the buffers that Qanat allocates while it runs: in steady state it allocates none.
// It counts the slab, the texts of rows and scratch memory: not the page ring, the indexes of blocks and trends, and not
// the short private bytes of one client.

/** Makes buffers, and measures how many, how large and how long that took. */
export class AllocationMeter {
  /** Buffers made since the start. */
  buffers = 0;
  /** Bytes of all buffers made since the start. */
  bytes = 0;
  /** Time spent on making them, s. */
  seconds = 0;
  readonly #clockMs: () => number;

  /** `clockMs`: a monotonic clock, ms. @default none: `seconds` stays 0 */
  constructor(clockMs: () => number = () => 0) {
    this.#clockMs = clockMs;
  }

  /** A new buffer of zeros. The operating system backs its pages only when they are first written to. */
  make(byteLength: number): Uint8Array<ArrayBuffer> {
    const beganMs = this.#clockMs();
    const bytes = new Uint8Array(byteLength);
    this.#add(byteLength, beganMs);
    return bytes;
  }

  /** A longer copy of `from`: `make` returns the longer array, zeroed. */
  grow<T extends Int32Array | Uint8Array>(from: T, make: () => T): T {
    const beganMs = this.#clockMs();
    const grown = make();
    grown.set(from);
    this.#add(grown.byteLength, beganMs);
    return grown;
  }

  #add(byteLength: number, beganMs: number): void {
    this.buffers++;
    this.bytes += byteLength;
    this.seconds += (this.#clockMs() - beganMs) / 1000;
  }
}
