// Sets aside blocks that were stamped ahead of their production; only their log decides.
// Invariant: each added block is returned once: accepted, or set aside.
//
// A log shows in which order its blocks were produced, and Kafka's timestamps, which are from one host's clock, show
// the time between two of them. The error of that clock does not matter (docs/decisions/0027).

/** A block in a log. */
export interface LoggedBlock {
  /** Start, GPS ms. */
  readonly startMs: number;
  /** Kafka's time. */
  readonly timestampMs: number;
}

export interface AheadFilterOptions<T> {
  /** How far ahead a block may lie, ms. */
  readonly toleranceMs: number;
  /** How much longer one block may be on its way than another, ms. */
  readonly maxLatencyMs: number;
  readonly take: (block: T) => void;
  /** `aheadMs`: how far ahead of its production it lay, as far as is known. */
  readonly setAside: (block: T, aheadMs: number) => void;
}

/** From so many blocks it is learned how far blocks usually lie from Kafka's times. */
const FIRST = 3;
/** So many newest blocks in a row that lie evenly further back show that the clock of Kafka's times was set ahead. */
const FURTHER_BACK_BLOCKS = 4;
/** If blocks are ahead for this long, they were not stamped wrong: the clock of Kafka's timestamps was set. */
const CONFIRMED_MS = 30_000;
const CONFIRMED_BLOCKS = 256;

/** The filter of one log. */
export class AheadFilter<T extends LoggedBlock> {
  readonly #options: AheadFilterOptions<T>;
  readonly #roomMs: number;
  /** Start of the newest block that was taken. */
  #newestMs = -Infinity;
  /** Largest start minus Kafka time of the blocks that were newest. */
  #usualMs = -Infinity;
  /** Newest blocks from which that is known. */
  #usualBlocks = 0;
  /** The same for the last blocks, which were further back. */
  #backMs: number[] = [];
  #hasBegun = false;
  /** Not decided yet. */
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
      // A late block says nothing about blocks that are ahead.
      const isNewer = block.startMs > this.#newestMs;
      const furtherMs = offOf(block) - this.#usualMs;
      if (!isNewer) return this.#take(block);
      if (Math.abs(furtherMs) <= this.#roomMs) this.#decide(block);
      this.#take(block);
      if (furtherMs > this.#roomMs) this.#setBack(block);
    }
  }

  /** The log holds nothing more now. What is not decided is taken unless it begins after GPS ms `latestMs`. */
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
    const offs = held.map(offOf).sort((a, b) => a - b);
    this.#usualMs = offs[offs.length >> 1]!;
    this.#usualBlocks = 0;
    for (const block of held) this.add(block);
  }

  /** A block that comes just behind the newest is not ahead, nor is one that Kafka's times account for. */
  #isAhead(block: T): boolean {
    if (block.startMs <= this.#newestMs + this.#options.toleranceMs) {
      return false;
    }
    return offOf(block) > this.#usualMs + this.#roomMs;
  }

  #isConfirmed(): boolean {
    const { length } = this.#held;
    if (length >= CONFIRMED_BLOCKS) return true;
    const first = this.#held[0]!;
    const last = this.#held[length - 1]!;
    return length >= FIRST &&
      last.timestampMs - first.timestampMs >= CONFIRMED_MS;
  }

  /** The log continues with a usual block: the blocks beyond it were wrong. */
  #decide({ startMs }: T): void {
    if (this.#held.length === 0 || this.#usualBlocks < FIRST) return;
    for (const block of this.#release()) {
      if (block.startMs <= startMs) this.#take(block);
      else this.#options.setAside(block, offOf(block) - this.#usualMs);
    }
  }

  /** Kafka's times were set back before this block: by the new ones, what was held since then may not be ahead. */
  #setBack({ timestampMs }: T): void {
    for (const block of this.#release()) {
      if (block.timestampMs <= timestampMs) this.add(block);
      else this.#options.setAside(block, offOf(block) - this.#usualMs);
    }
  }

  /** The usual difference has changed: it is learned again, as from the start of a log. */
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
      this.#learn(offOf(block));
    }
    this.#options.take(block);
  }

  #learn(offMs: number): void {
    const back = this.#backMs;
    const furtherMs = offMs - this.#usualMs;
    if (furtherMs >= -this.#roomMs) {
      if (furtherMs > this.#roomMs) this.#usualBlocks = 0;
      this.#usualBlocks++;
      this.#usualMs = Math.max(this.#usualMs, offMs);
      back.length = 0;
      return;
    }
    back.push(offMs);
    if (back.length < FURTHER_BACK_BLOCKS) return;
    const mostMs = Math.max(...back);
    // Blocks that waited for a broker and are written all at once come nearer with each.
    if (mostMs - Math.min(...back) <= this.#roomMs) this.#usualMs = mostMs;
    back.length = 0;
  }
}

/** How far a block's start is ahead of Kafka's timestamp, whether that is right or not. */
function offOf({ startMs, timestampMs }: LoggedBlock): number {
  return startMs - timestampMs;
}
