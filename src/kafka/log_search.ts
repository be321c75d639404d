// Finds where in a log the blocks of a time begin, by the times that the blocks themselves bear.
// Invariant: nothing that is wanted lies before `low`, and what is read last is at or before the time that is wanted.
// Kafka's timestamps only serve to guess: they are another host's clock, and are compared with each other alone.

/** A record whose block can be read. */
export interface Stamp {
  readonly offset: number;
  /** Kafka's time: the publisher's clock, or the broker's. */
  readonly timestampMs: number;
  /** Start of its block, GPS ms. */
  readonly blockMs: number;
}

/** What to ask of the log next. `read`: the first records from an offset on. `look-up`: the first since a Kafka time. */
export type SearchStep =
  | { readonly kind: "read"; readonly offset: number }
  | { readonly kind: "look-up"; readonly timestampMs: number }
  | {
    readonly kind: "done";
    readonly offset: number;
    /** The log no longer holds what came before its first record, and the time lies there. */
    readonly isCut: boolean;
  };

/** Records of one place that are compared: a late one among them does not count. */
export const STAMPS_MAX = 3;
/** A guess by Kafka's time aims so far before the wanted time: blocks are not produced at an even pace. */
const MARGIN_MS = 3000;
/** Reading may begin so far before the wanted time. */
const ROOM_MS = 15_000;
/** So few records are read rather than searched. */
const RECORDS_MIN = 32;
/** Guesses by Kafka's time; then the offsets are halved. */
const GUESSES_MAX = 3;

/** The search for one time in one log, whose offsets go from `first` to `end` (exclusive). */
export class LogSearch {
  step: SearchStep;
  readonly #first: number;
  readonly #wantedMs: number;
  /** Its record, if it was read, is no later than the time that is wanted. */
  #low: number;
  /** Its records are later. */
  #high: number;
  #isLowRead = false;
  #guesses = 0;

  constructor(first: number, end: number, wantedMs: number) {
    this.#first = this.#low = first;
    this.#high = end;
    this.#wantedMs = wantedMs;
    this.step = first < end
      ? { kind: "read", offset: end - first > RECORDS_MIN ? end - 1 : first }
      : { kind: "done", offset: end, isCut: first > 0 };
  }

  /** Takes the first stamps from the offset that was asked for; none where nothing there could be read. */
  read(stamps: readonly Stamp[]): void {
    if (this.step.kind !== "read") throw new Error("No offset was asked for");
    const { offset } = this.step;
    let newest: Stamp | null = null;
    for (const stamp of stamps) {
      if (newest === null || stamp.blockMs > newest.blockMs) newest = stamp;
    }
    if (newest === null || newest.blockMs > this.#wantedMs) {
      if (offset === this.#first) return this.#end(newest !== null);
      this.#high = offset;
    } else {
      const isNear = this.#wantedMs - newest.blockMs <= ROOM_MS;
      const isLast = offset + 1 >= this.#high;
      this.#low = offset;
      this.#isLowRead = true;
      if (isNear || isLast) return this.#end(false);
    }
    this.#goOn(newest);
  }

  /** Takes the offset of the time that was asked for; −1 when nothing is so new. */
  lookedUp(offset: number): void {
    if (this.step.kind !== "look-up") throw new Error("No time was asked for");
    const isInside = offset >= this.#low && offset < this.#high &&
      !(offset === this.#low && this.#isLowRead);
    this.step = {
      kind: "read",
      offset: isInside ? offset : this.#middle(),
    };
  }

  #goOn(newest: Stamp | null): void {
    if (this.#high - this.#low <= RECORDS_MIN) {
      // Whether the first record is old enough says whether the log is cut.
      if (this.#isLowRead || this.#low !== this.#first) return this.#end(false);
      this.step = { kind: "read", offset: this.#first };
    } else if (newest !== null && this.#guesses < GUESSES_MAX) {
      this.#guesses++;
      const sinceMs = newest.blockMs - this.#wantedMs;
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
