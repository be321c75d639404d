// The last span of blocks that one partition gave up because its log could not be read.

/** Block indexes, end exclusive. */
export class UnreachableSpan {
  #from = 0;
  #to = 0;
  /** When the log had last been read to its end before the outage, GPS ms: it identifies the outage. */
  #caughtUpMs = NaN;

  /** Adds blocks `from` to `to` (exclusive). What is given up in one outage is one span without holes. */
  add(from: number, to: number, caughtUpMs: number): void {
    const continues = from <= this.#to || this.#caughtUpMs === caughtUpMs;
    if (!continues) this.#from = from;
    this.#to = to;
    this.#caughtUpMs = caughtUpMs;
  }

  includes(index: number): boolean {
    return index >= this.#from && index < this.#to;
  }

  /** The clock was set: the outage that began at one time now counts as one that began at another. */
  moveOutage(fromMs: number, toMs: number): void {
    if (this.#caughtUpMs === fromMs) this.#caughtUpMs = toMs;
  }

  clear(): void {
    this.#from = 0;
    this.#to = 0;
  }
}
