// Memory that may be taken at one time, counted in bytes: who finds too little left waits in line.
// Invariant: what is reserved and not released never exceeds the limit; requests are served in their order.

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

  /** Resolves once so many bytes are reserved. Whoever gets them releases them. */
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
        `Cannot release ${bytes} bytes of ${this.#heldBytes} that are held`,
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
