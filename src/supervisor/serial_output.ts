// Standard output or standard error, shared by several writers: the supervisor's log and those of its workers.
// Invariant: what one call writes is never mixed with another's, and begins on a line of its own.

const NEWLINE = 10;

/** Writes some of the bytes, at least one; resolves with how many. */
export type Write = (bytes: Uint8Array) => Promise<number>;

/** Writes one piece after the other. A failure (closed pipe, full disk) is its caller's; the next piece is tried again. */
export class SerialOutput {
  readonly #write: Write;
  #last: Promise<unknown> = Promise.resolve();
  /** A failure left an unfinished line behind. */
  #isTorn = false;

  constructor(write: Write) {
    this.#write = write;
  }

  /** Takes whole lines. Resolves with their length once all are written; rejects where that fails. */
  write(bytes: Uint8Array): Promise<number> {
    const work = this.#last.then(() => this.#writeAll(bytes));
    this.#last = work.catch(() => {});
    return work;
  }

  /** Resolves once all that was handed in is written, or has failed. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #writeAll(bytes: Uint8Array): Promise<number> {
    if (this.#isTorn) {
      await this.#write(Uint8Array.of(NEWLINE));
      this.#isTorn = false;
    }
    for (let at = 0; at < bytes.byteLength;) {
      at += await this.#write(bytes.subarray(at));
      this.#isTorn = bytes[at - 1] !== NEWLINE;
    }
    return bytes.byteLength;
  }
}
