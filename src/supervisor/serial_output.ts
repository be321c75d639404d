// Standard output or standard error, shared by several writers: the supervisor's log and that of its worker.
// Invariant: the bytes of one call are never mixed with those of another, and begin on a new line.

const NEWLINE = 10;

/** Writes at least one of the bytes; resolves with the number of bytes written. */
export type Write = (bytes: Uint8Array) => Promise<number>;

/** Writes one piece after another. A failure (closed pipe, full disk) rejects that call only; the next piece is tried. */
export class SerialOutput {
  readonly #write: Write;
  #last: Promise<unknown> = Promise.resolve();
  /** The last write failed in the middle of a line. */
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

  /** Resolves once every piece so far is written, or has failed. */
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
