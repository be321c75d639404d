// Finds the blocks of one partition in the page ring, by block index.
// Invariant: a block that was remembered is found at its position for as long as the ring holds its pages; after that
// it counts as NOT_HELD, never as NONE.
import type { Ring } from "../memory/ring.ts";

/** Values instead of a position. `NOT_HELD`: the block came, and the ring has reused its page. `NONE`: it never came. */
export const NONE = -1;
export const NOT_HELD = -2;

/** The block index of an unused slot. */
const UNUSED = -Infinity;
const CAPACITY_MIN = 256;
const CAPACITY_MAX = 1 << 20;
/** The table grows only when a quarter of it is in use: two blocks far apart in time do not justify a larger one. */
const USE_MIN = 1 / 4;

/** A hash table from block index to ring position; the slot of an index is index mod capacity, a power of two. */
export class BlockIndex {
  readonly #ring: Ring;
  #indexes = new Float64Array(CAPACITY_MIN).fill(UNUSED);
  #positions = new Float64Array(CAPACITY_MIN);
  #usedSlots = 0;
  /** Entries below this block index may have been overwritten by others. */
  #forgottenTo = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Slots of the table; the number grows with the blocks that are held. */
  get capacity(): number {
    return this.#indexes.length;
  }

  /** Ring position of a block, or {@linkcode NONE}, or {@linkcode NOT_HELD}. */
  locate(index: number): number {
    const slot = slotOf(index, this.#indexes.length);
    if (this.#indexes[slot] !== index) {
      return index < this.#forgottenTo ? NOT_HELD : NONE;
    }
    const position = this.#positions[slot]!;
    return this.#ring.holds(position) ? position : NOT_HELD;
  }

  /** Notes the position of a block. If two blocks have the same slot, the newer one stays. */
  remember(index: number, position: number): void {
    for (;;) {
      const capacity = this.#indexes.length;
      const slot = slotOf(index, capacity);
      const other = this.#indexes[slot]!;
      if (
        other >= 0 && other !== index &&
        this.#ring.holds(this.#positions[slot]!)
      ) {
        const isFull = this.#usedSlots >= USE_MIN * capacity;
        if (isFull && capacity < CAPACITY_MAX) {
          this.#grow(capacity * 2);
          continue;
        }
        if (index < other) {
          this.#forgottenTo = Math.max(this.#forgottenTo, index + 1);
          return;
        }
      }
      if (other < 0) this.#usedSlots++;
      if (other >= 0 && other !== index) {
        this.#forgottenTo = Math.max(this.#forgottenTo, other + 1);
      }
      this.#indexes[slot] = index;
      this.#positions[slot] = position;
      return;
    }
  }

  /** Lowest block index at or above `from` that is held, or Infinity. Linear in the capacity: for gaps only. */
  nextHeld(from: number): number {
    let next = Infinity;
    for (let slot = 0; slot < this.#indexes.length; slot++) {
      const index = this.#indexes[slot]!;
      if (index < from || index >= next) continue;
      if (this.#ring.holds(this.#positions[slot]!)) next = index;
    }
    return next;
  }

  clear(): void {
    this.#indexes.fill(UNUSED);
    this.#usedSlots = 0;
    this.#forgottenTo = 0;
  }

  #grow(capacity: number): void {
    const indexes = this.#indexes;
    const positions = this.#positions;
    this.#indexes = new Float64Array(capacity).fill(UNUSED);
    this.#positions = new Float64Array(capacity);
    this.#usedSlots = 0;
    for (let slot = 0; slot < indexes.length; slot++) {
      const index = indexes[slot]!;
      if (index < 0) continue;
      this.#usedSlots++;
      const to = slotOf(index, capacity);
      this.#indexes[to] = index;
      this.#positions[to] = positions[slot]!;
    }
  }
}

/** `index % capacity` in a tenth of the time: indexes lie above 2^32, where % divides floating-point numbers. */
function slotOf(index: number, capacity: number): number {
  return index & (capacity - 1);
}
