// Finds the blocks of a log that were stamped ahead of their production. It uses only the log, and no clock.
// Invariant: each block that is added comes out once: taken, or set aside.
//
// The order of a log is the order of production, and Kafka's timestamps, all by one host's clock, show the time between
// two blocks. An offset of that clock makes no difference (docs/decisions/0027).
// "Distance" below: a block's start minus its timestamp. It is about the same for all blocks; it is larger for a block
// that was stamped ahead, and smaller for one that was written late.

/** A block in a log. */
export interface LoggedBlock {
  /** Start, GPS ms. */
  readonly startMs: number;
  /** Kafka's timestamp. */
  readonly timestampMs: number;
}

export interface AheadFilterOptions<T> {
  /** How far ahead of its production a block may lie, ms. */
  readonly toleranceMs: number;
  /** By how much the delays of two blocks may differ, ms. */
  readonly maxLatencyMs: number;
  readonly take: (block: T) => void;
  /** `aheadMs`: how far ahead of its production the block lay, as far as is known. */
  readonly setAside: (block: T, aheadMs: number) => void;
}

/** The usual distance is learned from this many blocks. */
const FIRST = 3;
/** When so many blocks in a row have the same smaller distance, the clock of the timestamps was set ahead. */
const FURTHER_BACK_BLOCKS = 4;
/** When blocks have a larger distance for this long, they are right, and the clock of the timestamps was set back. */
const CONFIRMED_MS = 30_000;
const CONFIRMED_BLOCKS = 256;

/** The filter of one log. */
export class AheadFilter<T extends LoggedBlock> {
  readonly #options: AheadFilterOptions<T>;
  readonly #roomMs: number;
  /** Start of the newest block that was taken. */
  #newestMs = -Infinity;
  /** The usual distance: the largest one of blocks that were the newest. */
  #usualMs = -Infinity;
  /** How many blocks it was learned from. */
  #usualBlocks = 0;
  /** The distances of the last blocks, while they are smaller than usual. */
  #backMs: number[] = [];
  #hasBegun = false;
  /** Blocks that are neither taken nor set aside yet. */
  #held: T[] = [];

  constructor(options: AheadFilterOptions<T>) {
    this.#options = options;
    this.#roomMs = options.toleranceMs + options.maxLatencyMs;
  }

  /** Adds the next block of the log. */
  add(block: T): void {
    if (!this.#hasBegun) {
      this.#held.push(block);
      if (this.#held.length === FIRST) this.#begin();
    } else if (this.#isAhead(block)) {
      this.#held.push(block);
      if (this.#isConfirmed()) this.#beginAnew();
    } else {
      // A block that is not the newest decides nothing about those that seem ahead.
      const isNewer = block.startMs > this.#newestMs;
      const furtherMs = distanceOf(block) - this.#usualMs;
      if (!isNewer) return this.#take(block);
      if (Math.abs(furtherMs) <= this.#roomMs) this.#decide(block);
      this.#take(block);
      if (furtherMs > this.#roomMs) this.#setBack(block);
    }
  }

  /** The end of the log: undecided blocks are taken, except those that begin after GPS ms `latestMs`. */
  end(latestMs: number): void {
    for (const block of this.#release()) {
      const aheadMs = block.startMs - latestMs;
      if (aheadMs > 0) this.#options.setAside(block, aheadMs);
      else this.#take(block);
    }
  }

  #begin(): void {
    this.#hasBegun = true;
    const held = this.#release();
    const distances = held.map(distanceOf).sort((a, b) => a - b);
    this.#usualMs = distances[distances.length >> 1]!;
    this.#usualBlocks = 0;
    for (const block of held) this.add(block);
  }

  /** A block that closely follows the newest one is not ahead, nor is one whose distance is as usual. */
  #isAhead(block: T): boolean {
    if (block.startMs <= this.#newestMs + this.#options.toleranceMs) {
      return false;
    }
    return distanceOf(block) > this.#usualMs + this.#roomMs;
  }

  #isConfirmed(): boolean {
    const { length } = this.#held;
    if (length >= CONFIRMED_BLOCKS) return true;
    const first = this.#held[0]!;
    const last = this.#held[length - 1]!;
    return length >= FIRST &&
      last.timestampMs - first.timestampMs >= CONFIRMED_MS;
  }

  /** A block with the usual distance follows held ones: of these, all that begin after it were stamped ahead. */
  #decide({ startMs }: T): void {
    if (this.#held.length === 0 || this.#usualBlocks < FIRST) return;
    for (const block of this.#release()) {
      if (block.startMs <= startMs) this.#take(block);
      else this.#options.setAside(block, distanceOf(block) - this.#usualMs);
    }
  }

  /** The clock of the timestamps was set back before this block: held blocks stamped after that are checked again. */
  #setBack({ timestampMs }: T): void {
    for (const block of this.#release()) {
      if (block.timestampMs <= timestampMs) this.add(block);
      else this.#options.setAside(block, distanceOf(block) - this.#usualMs);
    }
  }

  /** The usual distance has changed: it is learned again, as at the start of a log. */
  #beginAnew(): void {
    const held = this.#release();
    this.#hasBegun = false;
    this.#backMs.length = 0;
    for (const block of held) this.add(block);
  }

  #release(): T[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }

  #take(block: T): void {
    if (block.startMs > this.#newestMs) {
      this.#newestMs = block.startMs;
      this.#learn(distanceOf(block));
    }
    this.#options.take(block);
  }

  #learn(distanceMs: number): void {
    const back = this.#backMs;
    const furtherMs = distanceMs - this.#usualMs;
    if (furtherMs >= -this.#roomMs) {
      if (furtherMs > this.#roomMs) this.#usualBlocks = 0;
      this.#usualBlocks++;
      this.#usualMs = Math.max(this.#usualMs, distanceMs);
      back.length = 0;
      return;
    }
    back.push(distanceMs);
    if (back.length < FURTHER_BACK_BLOCKS) return;
    const mostMs = Math.max(...back);
    // Blocks that waited for a broker and were written together have the same timestamp, so their distances differ:
    // nothing is learned from them.
    if (mostMs - Math.min(...back) <= this.#roomMs) this.#usualMs = mostMs;
    back.length = 0;
  }
}

/** The distance: how far a block's start is ahead of its timestamp, ms. */
function distanceOf({ startMs, timestampMs }: LoggedBlock): number {
  return startMs - timestampMs;
}
