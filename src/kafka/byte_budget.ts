// Limits the memory that is taken at one time: a request for more than is left waits.
// Invariant: bytes that are reserved and not released never exceed the limit; requests are served in their order.

/** A limit on bytes held at one time. */
export class ByteBudget {
  readonly limitBytes: number;
  readonly #waiting: { bytes: number; resolve: () => void }[] = [];
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Resolves once the bytes are reserved; the caller must release them. Throws when they exceed the limit. */
  reserve(bytes: number): Promise<void> {
    if (bytes > this.limitBytes) {
      throw new RangeError(
        `Cannot reserve ${bytes} bytes of ${this.limitBytes}`,
      );
    }
    if (
      this.#waiting.length === 0 && this.#heldBytes + bytes <= this.limitBytes
    ) {
      this.#heldBytes += bytes;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  release(bytes: number): void {
    if (bytes > this.#heldBytes) {
      throw new RangeError(
        `Cannot release ${bytes} bytes: only ${this.#heldBytes} are reserved`,
      );
    }
    this.#heldBytes -= bytes;
    for (;;) {
      const next = this.#waiting[0];
      if (!next || this.#heldBytes + next.bytes > this.limitBytes) return;
      this.#waiting.shift();
      this.#heldBytes += next.bytes;
      next.resolve();
    }
  }
}
