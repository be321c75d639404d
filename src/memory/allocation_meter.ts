// What buffers of our own have grown by, and the time that took: in steady state nothing is added.
// Invariant: every buffer that grows with load is made through one of these.

/** Counts and times the making of buffers. */
export class Growth {
  /** Buffers made, whole life. */
  buffers = 0;
  bytes = 0;
  seconds = 0;
  readonly #clockMs: () => number;

  /** `clockMs`: a clock for short spans. @default none, the seconds stay 0 */
  constructor(clockMs: () => number = () => 0) {
    this.#clockMs = clockMs;
  }

  /** A new buffer, zeroed. The system backs its pages when they are first written to. */
  make(byteLength: number): Uint8Array<ArrayBuffer> {
    const beganMs = this.#clockMs();
    const bytes = new Uint8Array(byteLength);
    this.#add(byteLength, beganMs);
    return bytes;
  }

  /** A longer copy of a buffer. */
  longer<T extends Int32Array | Uint8Array>(from: T, to: () => T): T {
    const beganMs = this.#clockMs();
    const made = to();
    made.set(from);
    this.#add(made.byteLength, beganMs);
    return made;
  }

  #add(byteLength: number, beganMs: number): void {
    this.buffers++;
    this.bytes += byteLength;
    this.seconds += (this.#clockMs() - beganMs) / 1000;
  }
}
