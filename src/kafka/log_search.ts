// Finds where in a log the blocks of a time begin, by the times of the blocks.
// Invariant: no block of the target time or later is before `low`. Kafka's timestamps serve only as a guess: they are
// of another host's clock, and are compared with each other only.

/** A record with a readable block. */
export interface Stamp {
  readonly offset: number;
  /** Kafka's timestamp, by the clock of the publisher or the broker. */
  readonly timestampMs: number;
  /** Start of its block, GPS ms. */
  readonly blockMs: number;
}

/** The next request. `read`: the first records from an offset on. `look-up`: the first offset since a timestamp. */
export type SearchStep =
  | { readonly kind: "read"; readonly offset: number }
  | { readonly kind: "look-up"; readonly timestampMs: number }
  | {
    readonly kind: "done";
    readonly offset: number;
    /** The target time is before the first record, and the log has deleted older ones. */
    readonly isCut: boolean;
  };

/** Records at one offset that are compared, so that a late one among them makes no difference. */
export const STAMPS_MAX = 3;
/** A guess by timestamps aims this far before the target: blocks are not produced at an even pace. */
const MARGIN_MS = 3000;
/** Reading may begin this far before the target. */
const ROOM_MS = 15_000;
/** This few records are read rather than searched. */
const RECORDS_MIN = 32;
/** The most guesses by timestamps; after that the offsets are halved. */
const GUESSES_MAX = 3;

/** The search for one time in one log, whose offsets go from `first` to `end` (exclusive). */
export class LogSearch {
  step: SearchStep;
  readonly #first: number;
  readonly #targetMs: number;
  /** The record here, if it was read, is not after the target. */
  #low: number;
  /** The records from here on are after the target. */
  #high: number;
  #isLowRead = false;
  #guesses = 0;

  constructor(first: number, end: number, targetMs: number) {
    this.#first = this.#low = first;
    this.#high = end;
    this.#targetMs = targetMs;
    this.step = first < end
      ? { kind: "read", offset: end - first > RECORDS_MIN ? end - 1 : first }
      : { kind: "done", offset: end, isCut: first > 0 };
  }

  /** Takes the first stamps from the requested offset on; none where no record there is readable. */
  read(stamps: readonly Stamp[]): void {
    if (this.step.kind !== "read") {
      throw new Error("Cannot take stamps: no offset was requested");
    }
    const { offset } = this.step;
    let newest: Stamp | null = null;
    for (const stamp of stamps) {
      if (newest === null || stamp.blockMs > newest.blockMs) newest = stamp;
    }
    if (newest === null || newest.blockMs > this.#targetMs) {
      if (offset === this.#first) return this.#end(newest !== null);
      this.#high = offset;
    } else {
      const isNear = this.#targetMs - newest.blockMs <= ROOM_MS;
      const isLast = offset + 1 >= this.#high;
      this.#low = offset;
      this.#isLowRead = true;
      if (isNear || isLast) return this.#end(false);
    }
    this.#goOn(newest);
  }

  /** Takes the offset of the requested timestamp; −1 when no record is so new. */
  lookedUp(offset: number): void {
    if (this.step.kind !== "look-up") {
      throw new Error("Cannot take an offset: no time was requested");
    }
    const isInside = offset >= this.#low && offset < this.#high &&
      !(offset === this.#low && this.#isLowRead);
    this.step = {
      kind: "read",
      offset: isInside ? offset : this.#middle(),
    };
  }

  #goOn(newest: Stamp | null): void {
    if (this.#high - this.#low <= RECORDS_MIN) {
      // The first record decides whether the log is cut.
      if (this.#isLowRead || this.#low !== this.#first) return this.#end(false);
      this.step = { kind: "read", offset: this.#first };
    } else if (newest !== null && this.#guesses < GUESSES_MAX) {
      this.#guesses++;
      const sinceMs = newest.blockMs - this.#targetMs;
      const timestampMs = Math.max(
        0,
        Math.floor(newest.timestampMs - sinceMs - MARGIN_MS),
      );
      this.step = { kind: "look-up", timestampMs };
    } else this.step = { kind: "read", offset: this.#middle() };
  }

  #middle(): number {
    return this.#low + Math.floor((this.#high - this.#low) / 2);
  }

  #end(isLate: boolean): void {
    const isCut = isLate && this.#first > 0;
    this.step = { kind: "done", offset: this.#low, isCut };
  }
}
