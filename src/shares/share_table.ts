// Counts what the clients of several threads hold, in one hash table in shared memory: by pool and holder, a column for
// each worker. Invariant: a worker changes its own column only. What runs under the lock calls all that it calls before
// its first write, and releases the lock in any case; so no error leaves the lock held or a number half changed.
import { HASH_WORDS, hashText } from "./holder_hash.ts";
import type { ShareHolder } from "./share_holder.ts";
import { ShareLock } from "./share_lock.ts";
import {
  chainOf,
  FREE,
  FRESH,
  LOCK,
  NONE,
  type ShareColumn,
  ShareViews,
} from "./share_memory.ts";
import {
  heldLess,
  type PoolRefusal,
  refusalOf,
  type SharePool,
} from "./share_pool.ts";

/** A pool in the table. */
export interface TablePool
  extends Pick<SharePool, "capacity" | "sharePercent"> {
  /** Its number. */
  readonly number: number;
}

/** One worker's view of the table. */
export class ShareTable {
  /** Holders that were refused because the table had no room for them. */
  refusedHolders = 0;
  readonly #views: ShareViews;
  readonly #lock: ShareLock;
  readonly #workers: number;
  readonly #entriesMax: number;
  readonly #hashKeys: readonly number[];
  readonly #worker: number;
  readonly #epoch: number;
  /** Of the holder that takes, and of the one that gives. */
  readonly #hash = new Int32Array(HASH_WORDS);
  readonly #giversHash = new Int32Array(HASH_WORDS);

  constructor({ memory, worker, epoch }: ShareColumn) {
    this.#views = new ShareViews(memory);
    this.#lock = new ShareLock(this.#views.control, LOCK);
    this.#workers = memory.workers;
    this.#entriesMax = memory.entriesMax;
    this.#hashKeys = memory.hashKeys;
    this.#worker = worker;
    this.#epoch = epoch;
  }

  /** Held in a pool by the holders of all workers. */
  used(pool: number): number {
    this.#lock.acquire();
    try {
      return this.#usedOf(pool);
    } finally {
      this.#lock.release();
    }
  }

  /** Holders that hold something of a pool. */
  size(pool: number): number {
    return Atomics.load(this.#views.sizes, pool);
  }

  /** See {@linkcode SharePool.take}. `max`: the most that the holder may have. */
  take(
    pool: TablePool,
    holder: ShareHolder,
    amount: number,
    max: number | undefined,
  ): PoolRefusal | null {
    const isKnown = this.#hashKey(holder, this.#hash);
    this.#lock.acquire();
    try {
      if (this.#hasEnded()) return "full";
      const { number } = pool;
      const known = isKnown ? this.#find(number, this.#hash) : NONE;
      const held = this.#heldOf(known);
      const used = this.#usedOf(number);
      const refusal = refusalOf({ pool, holder, amount, max, held, used });
      if (refusal !== null) return refusal;
      if (isKnown) {
        const entry = known === NONE ? this.#insert(number) : known;
        if (entry === NONE) return "full";
        this.#views.held[this.#heldAt(entry)]! += amount;
      }
      this.#views.used[this.#usedAt(number)]! += amount;
      return null;
    } finally {
      this.#lock.release();
    }
  }

  /** See {@linkcode SharePool.release}. */
  release({ number }: TablePool, holder: ShareHolder, amount: number): void {
    const isKnown = this.#hashKey(holder, this.#hash);
    this.#lock.acquire();
    try {
      if (this.#hasEnded()) return;
      const usedAt = this.#usedAt(number);
      const used = this.#views.used[usedAt]!;
      if (isKnown) {
        this.#giveBack(this.#find(number, this.#hash), holder, amount);
      } else if (amount > used) throw heldLess("", amount, used);
      this.#views.used[usedAt] = used - amount;
    } finally {
      this.#lock.release();
    }
  }

  /** See {@linkcode SharePool.move}, for two holders. `max`: the most that the one that takes may have. */
  move(
    pool: TablePool,
    from: ShareHolder,
    to: ShareHolder,
    { amount, max }: {
      readonly amount: number;
      readonly max: number | undefined;
    },
  ): PoolRefusal | null {
    const hasGiver = this.#hashKey(from, this.#giversHash);
    const hasTaker = this.#hashKey(to, this.#hash);
    this.#lock.acquire();
    try {
      if (this.#hasEnded()) return "full";
      const { number } = pool;
      const known = hasTaker ? this.#find(number, this.#hash) : NONE;
      const held = this.#heldOf(known);
      const used = this.#usedOf(number) - amount;
      const refusal = refusalOf({ pool, holder: to, amount, max, held, used });
      if (refusal !== null) return refusal;
      const giver = hasGiver ? this.#find(number, this.#giversHash) : NONE;
      const isNew = hasTaker && known === NONE;
      const frees = hasGiver && this.#heldOf(giver) === amount;
      if (isNew && !frees && !this.#hasRoom()) return "full";
      if (hasGiver) this.#giveBack(giver, from, amount);
      const entry = isNew ? this.#insert(number) : known;
      if (hasTaker) this.#views.held[this.#heldAt(entry)]! += amount;
      return null;
    } finally {
      this.#lock.release();
    }
  }

  /** Numbers the streams of all workers, from 1 on. */
  nextClientNumber(): number {
    return Number(Atomics.add(this.#views.opened, 0, 1n)) + 1;
  }

  /** Whether this worker counts as ended: what it takes and releases from then on changes nothing. */
  #hasEnded(): boolean {
    return this.#views.epochs[this.#worker] !== this.#epoch;
  }

  /** Whether a holder is counted by its key, of which it then writes the hash. */
  #hashKey({ key }: ShareHolder, hash: Int32Array): boolean {
    if (key === "") return false;
    hashText(key, this.#hashKeys, hash);
    return true;
  }

  /** Of this worker's cells. */
  #usedAt(pool: number): number {
    return pool * this.#workers + this.#worker;
  }

  #heldAt(entry: number): number {
    return (entry - 1) * this.#workers + this.#worker;
  }

  #usedOf(pool: number): number {
    const { used } = this.#views;
    let sum = 0;
    for (let i = pool * this.#workers; i < (pool + 1) * this.#workers; i++) {
      sum += used[i]!;
    }
    return sum;
  }

  /** By all workers; 0 where there is no entry. */
  #heldOf(entry: number): number {
    const { held } = this.#views;
    let sum = 0;
    for (
      let i = (entry - 1) * this.#workers;
      i >= 0 && i < entry * this.#workers;
      i++
    ) sum += held[i]!;
    return sum;
  }

  /** The entry of a pool and a hash. */
  #find(pool: number, hash: Int32Array): number {
    const { heads, next, poolOf, hashes } = this.#views;
    let entry = heads[chainOf(heads, pool, hash[0]!)]!;
    while (entry !== NONE) {
      const at = (entry - 1) * HASH_WORDS;
      if (
        poolOf[entry - 1] === pool &&
        hashes[at] === hash[0] && hashes[at + 1] === hash[1] &&
        hashes[at + 2] === hash[2] && hashes[at + 3] === hash[3]
      ) return entry;
      entry = next[entry - 1]!;
    }
    return NONE;
  }

  #hasRoom(): boolean {
    const { control } = this.#views;
    if (control[FREE] !== NONE || control[FRESH]! < this.#entriesMax) {
      return true;
    }
    this.refusedHolders++;
    return false;
  }

  /** A new entry of a pool and `#hash`, which holds nothing; NONE where the table is full. */
  #insert(pool: number): number {
    const { control, heads, next, poolOf, hashes, sizes } = this.#views;
    const chain = chainOf(heads, pool, this.#hash[0]!);
    if (!this.#hasRoom()) return NONE;
    const free = control[FREE]!;
    const entry = free === NONE ? control[FRESH]! + 1 : free;
    if (free === NONE) control[FRESH] = entry;
    else control[FREE] = next[entry - 1]!;
    poolOf[entry - 1] = pool;
    const at = (entry - 1) * HASH_WORDS;
    for (let i = 0; i < HASH_WORDS; i++) hashes[at + i] = this.#hash[i]!;
    next[entry - 1] = heads[chain]!;
    heads[chain] = entry;
    sizes[pool]!++;
    return entry;
  }

  /** Takes an amount from this worker's column of an entry, and ends the entry with the last of all columns. */
  #giveBack(entry: number, { key }: ShareHolder, amount: number): void {
    const { held } = this.#views;
    const at = this.#heldAt(entry);
    const own = entry === NONE ? 0 : held[at]!;
    if (amount > own) throw heldLess(key, amount, own);
    if (this.#heldOf(entry) === amount) this.#remove(entry);
    held[at] = own - amount;
  }

  /** Takes an entry out of its chain, to be used for another holder. */
  #remove(entry: number): void {
    const { control, heads, next, poolOf, hashes, sizes } = this.#views;
    const pool = poolOf[entry - 1]!;
    const chain = chainOf(heads, pool, hashes[(entry - 1) * HASH_WORDS]!);
    let before = heads[chain]!;
    if (before === entry) heads[chain] = next[entry - 1]!;
    else {
      while (next[before - 1] !== entry) before = next[before - 1]!;
      next[before - 1] = next[entry - 1]!;
    }
    next[entry - 1] = control[FREE]!;
    control[FREE] = entry;
    sizes[pool]!--;
  }
}
