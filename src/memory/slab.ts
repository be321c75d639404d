// Memory for outgoing frames: slots of fixed sizes in large buffers, with a list of vacant slots per size and a count of
// owners per slot. Invariant: a slot is either vacant and on the list of its size class, or has at least one owner.
import { AllocationMeter } from "./allocation_meter.ts";

const MIN_SLOT_BYTES = 256;
/** Largest claim, bytes. */
export const SLOT_BYTES_MAX = 16 * 1024 * 1024;
/** Size classes between two powers of two: at most a fifth of a slot is unused. */
const STEPS_PER_OCTAVE = 4;
const CHUNK_BYTES = 256 * 1024;
const NO_SLOT = -1;
/** Fills released slots while debugging. It is neither UTF-8 text nor the start of an Arrow message. */
export const POISON = 0xdb;
/** Slots of at least this many bytes keep their view, which takes about 100 bytes. */
const VIEW_KEPT_BYTES = 1024;

/** By size class: bytes of a slot, ascending multiples of 64. */
const CLASS_BYTES: readonly number[] = Array.from(
  { length: classOf(SLOT_BYTES_MAX) + 1 },
  (_, i) => {
    const base = MIN_SLOT_BYTES * 2 ** Math.floor(i / STEPS_PER_OCTAVE);
    return base + base * (i % STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE;
  },
);

/**
 * Recycled memory for frames. A handle identifies a slot, from `claim()` to the last `release()`.
 *
 * Not for long-lived data, which blocks the slots of its size class, nor for more than 16 MiB in one slot.
 * Capacity: `budgetBytes` in total, allocated in chunks when a size class needs one. Once the budget is used up, a
 * size class that has no vacant slot takes over chunks in which no slot is claimed.
 */
export class Slab {
  readonly budgetBytes: number;
  readonly allocations: AllocationMeter;
  readonly #free = new Int32Array(CLASS_BYTES.length).fill(NO_SLOT);
  /** By chunk: its memory (null once it was given up), and how many of its slots are claimed. */
  readonly #chunks: (Uint8Array | null)[] = [];
  readonly #claimed: number[] = [];
  /** Handles of slots in chunks that were given up; new slots use them again. */
  readonly #spare: number[] = [];
  // By handle: number of owners, 0 if vacant; next vacant handle; size class; chunk; byte offset in the chunk.
  #owners = new Int32Array(1024);
  #next = new Int32Array(1024);
  #class = new Uint8Array(1024);
  #chunk = new Int32Array(1024);
  #at = new Int32Array(1024);
  /** By handle: the last view, so that frames of one size allocate none. */
  readonly #views: (Uint8Array | undefined)[] = [];
  #slots = 0;
  #committed = 0;
  #used = 0;
  #usedSlots = 0;
  #highWater = 0;
  #reserved = 0;
  #givenUp = 0;
  #commits = 0;
  readonly #poisons: boolean;

  constructor(
    options: {
      budgetBytes: number;
      allocations?: AllocationMeter;
      /** Fill each slot with {@linkcode POISON} when it is released, for debugging. @default false */
      poison?: boolean;
    },
  ) {
    if (!(options.budgetBytes >= MIN_SLOT_BYTES)) {
      throw new RangeError(
        `budgetBytes must be at least ${MIN_SLOT_BYTES}: current value is ${options.budgetBytes}`,
      );
    }
    this.budgetBytes = options.budgetBytes;
    this.allocations = options.allocations ?? new AllocationMeter();
    this.#poisons = options.poison ?? false;
  }

  /** Claims a slot of at least `byteLength` bytes, with one owner. Returns its handle; −1 when the budget has no room. */
  claim(byteLength: number): number {
    const sizeClass = classOf(byteLength);
    if (sizeClass < 0) return NO_SLOT;
    let handle = this.#free[sizeClass]!;
    if (handle === NO_SLOT) {
      if (!this.#commit(sizeClass)) return NO_SLOT;
      handle = this.#free[sizeClass]!;
    }
    this.#free[sizeClass] = this.#next[handle]!;
    this.#owners[handle] = 1;
    this.#claimed[this.#chunk[handle]!]!++;
    this.#usedSlots++;
    this.#used += CLASS_BYTES[sizeClass]!;
    if (this.#used > this.#highWater) this.#highWater = this.#used;
    return handle;
  }

  /** Adds an owner. Throws when the slot is vacant. */
  retain(handle: number): void {
    if (!(this.#owners[handle]! > 0)) throw this.#vacant("retain", handle);
    this.#owners[handle]!++;
  }

  /** Removes an owner; without owners, the slot is vacant. Throws when it already is. */
  release(handle: number): void {
    const owners = this.#owners[handle]!;
    if (!(owners > 0)) throw this.#vacant("release", handle);
    this.#owners[handle] = owners - 1;
    if (owners > 1) return;
    if (this.#poisons) this.#poison(handle);
    const sizeClass = this.#class[handle]!;
    this.#next[handle] = this.#free[sizeClass]!;
    this.#free[sizeClass] = handle;
    this.#claimed[this.#chunk[handle]!]!--;
    this.#usedSlots--;
    this.#used -= CLASS_BYTES[sizeClass]!;
  }

  /** A view of the slot's first `byteLength` bytes, by default of all; valid until the last release. */
  view(
    handle: number,
    byteLength: number = this.slotBytes(handle),
  ): Uint8Array {
    if (!(this.#owners[handle]! > 0)) throw this.#vacant("view", handle);
    if (byteLength > this.slotBytes(handle)) {
      throw new RangeError(
        `Cannot view ${byteLength} bytes of a slot of ${
          this.slotBytes(handle)
        }`,
      );
    }
    const known = this.#views[handle];
    if (known?.byteLength === byteLength) return known;
    const at = this.#at[handle]!;
    const chunk = this.#chunks[this.#chunk[handle]!]!;
    const view = chunk.subarray(at, at + byteLength);
    // The view of a small slot takes as much memory as the slot.
    if (this.slotBytes(handle) >= VIEW_KEPT_BYTES) this.#views[handle] = view;
    return view;
  }

  /** Bytes of a slot. */
  slotBytes(handle: number): number {
    return CLASS_BYTES[this.#class[handle]!]!;
  }

  /** Reserves bytes for a client; false when all reservations together would exceed the budget. */
  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.budgetBytes) return false;
    this.#reserved += bytes;
    return true;
  }

  /** Returns reserved bytes. Throws when fewer are reserved. */
  unreserve(bytes: number): void {
    if (bytes > this.#reserved) {
      throw new RangeError(
        `Cannot unreserve ${bytes} bytes as only ${this.#reserved} are reserved`,
      );
    }
    this.#reserved -= bytes;
  }

  /** Throws unless every slot is vacant and nothing is reserved. */
  assertEmpty(): void {
    if (this.#usedSlots > 0 || this.#reserved > 0) {
      throw new Error(
        `The slab must be empty at close: ${this.#usedSlots} slots are claimed, ${this.#reserved} bytes reserved`,
      );
    }
  }

  get usedSlots(): number {
    return this.#usedSlots;
  }

  get usedBytes(): number {
    return this.#used;
  }

  get committedBytes(): number {
    return this.#committed;
  }

  get highWaterBytes(): number {
    return this.#highWater;
  }

  /** Chunks allocated since the start: in steady state none is added. */
  get committedChunks(): number {
    return this.#commits;
  }

  /** Chunks that a size class gave up for another one, since the start. */
  get givenUpChunks(): number {
    return this.#givenUp;
  }

  get reservedBytes(): number {
    return this.#reserved;
  }

  /** Allocates a chunk of vacant slots for a size class; if the budget is used up, other classes give up vacant chunks. */
  #commit(sizeClass: number): boolean {
    const slotBytes = CLASS_BYTES[sizeClass]!;
    if (slotBytes > this.budgetBytes) return false;
    while (this.budgetBytes - this.#committed < slotBytes) {
      if (!this.#giveUpVacant()) return false;
    }
    const room = this.budgetBytes - this.#committed;
    const count = Math.min(
      Math.max(1, Math.floor(CHUNK_BYTES / slotBytes)),
      Math.floor(room / slotBytes),
    );
    let chunk = this.#chunks.indexOf(null);
    if (chunk < 0) chunk = this.#chunks.length;
    this.#chunks[chunk] = this.allocations.make(count * slotBytes);
    this.#commits++;
    this.#claimed[chunk] = 0;
    this.#committed += count * slotBytes;
    this.#growTables(this.#slots + count);
    // The list of the class is empty here: slots are listed in the order of their addresses.
    let last = NO_SLOT;
    for (let i = 0; i < count; i++) {
      const handle = this.#spare.pop() ?? this.#slots++;
      this.#class[handle] = sizeClass;
      this.#chunk[handle] = chunk;
      this.#at[handle] = i * slotBytes;
      this.#next[handle] = NO_SLOT;
      if (last === NO_SLOT) this.#free[sizeClass] = handle;
      else this.#next[last] = handle;
      last = handle;
    }
    return true;
  }

  /** Gives up one chunk without claimed slots; false when there is none. Takes time linear in the vacant slots. */
  #giveUpVacant(): boolean {
    const chunk = this.#claimed.findIndex((claimed, i) =>
      claimed === 0 && this.#chunks[i] !== null
    );
    if (chunk < 0) return false;
    this.#committed -= this.#chunks[chunk]!.byteLength;
    this.#chunks[chunk] = null;
    this.#givenUp++;
    for (let sizeClass = 0; sizeClass < CLASS_BYTES.length; sizeClass++) {
      let kept = NO_SLOT;
      let handle = this.#free[sizeClass]!;
      while (handle !== NO_SLOT) {
        const next = this.#next[handle]!;
        if (this.#chunk[handle] === chunk) {
          this.#spare.push(handle);
          this.#views[handle] = undefined;
        } else {
          this.#next[handle] = kept;
          kept = handle;
        }
        handle = next;
      }
      this.#free[sizeClass] = kept;
    }
    return true;
  }

  #growTables(slots: number): void {
    if (slots <= this.#owners.length) return;
    const length = Math.max(slots, 2 * this.#owners.length);
    const { allocations } = this;
    const words = () => new Int32Array(length);
    this.#owners = allocations.grow(this.#owners, words);
    this.#next = allocations.grow(this.#next, words);
    this.#class = allocations.grow(this.#class, () => new Uint8Array(length));
    this.#chunk = allocations.grow(this.#chunk, words);
    this.#at = allocations.grow(this.#at, words);
  }

  #poison(handle: number): void {
    const at = this.#at[handle]!;
    const chunk = this.#chunks[this.#chunk[handle]!]!;
    chunk.fill(POISON, at, at + this.slotBytes(handle));
  }

  #vacant(action: string, handle: number): Error {
    const reason = "it has no owner (double release, or never claimed)";
    return new Error(`Cannot ${action} slot ${handle} as ${reason}`);
  }
}

/** Bytes of the slot that `claim(byteLength)` returns, at most {@linkcode SLOT_BYTES_MAX}. */
export function slotBytesFor(byteLength: number): number {
  return CLASS_BYTES[classOf(byteLength)] ?? SLOT_BYTES_MAX;
}

/** Smallest size class with at least this many bytes; −1 when there is none. */
function classOf(byteLength: number): number {
  if (!(byteLength <= SLOT_BYTES_MAX)) return -1;
  if (byteLength <= MIN_SLOT_BYTES) return 0;
  const octave = 31 - Math.clz32((byteLength - 1) >>> 8);
  const base = MIN_SLOT_BYTES * 2 ** octave;
  const step = Math.ceil((byteLength - base) * STEPS_PER_OCTAVE / base);
  return octave * STEPS_PER_OCTAVE + step;
}
