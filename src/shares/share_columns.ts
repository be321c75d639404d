// Begins and ends the columns of workers in the table of shares, for the thread that starts them.
// Invariant: after end(), nothing that the worker held is counted, and nothing that it still does is.
import { HASH_WORDS } from "./holder_hash.ts";
import { ShareLock } from "./share_lock.ts";
import {
  chainOf,
  FREE,
  FRESH,
  LOCK,
  NONE,
  type ShareColumn,
  type ShareMemory,
  ShareViews,
} from "./share_memory.ts";

/** This thread also ends a process that hangs, so its wait has a limit, ms. */
const LOCK_MS = 2000;

/** The columns of all workers. */
export class ShareColumns {
  readonly #memory: ShareMemory;
  readonly #views: ShareViews;
  readonly #lock: ShareLock;

  constructor(memory: ShareMemory) {
    this.#memory = memory;
    this.#views = new ShareViews(memory);
    this.#lock = new ShareLock(this.#views.control, LOCK);
  }

  /** That of a worker that starts now; end() its predecessor's before. */
  begin(worker: number): ShareColumn {
    const epoch = Atomics.load(this.#views.epochs, worker);
    return { memory: this.#memory, worker, epoch };
  }

  /**
   * Clears what a worker holds, once it has ended or must not serve any more. Linear in all entries: a millisecond or
   * two. Throws when the lock does not come free: then a thread was ended from outside while it held it.
   */
  end(worker: number): void {
    if (!this.#lock.acquire(LOCK_MS)) {
      throw new Error("The lock of the shares is held by a thread that ended");
    }
    try {
      const { epochs, used, waits } = this.#views;
      const { workers, pools } = this.#memory;
      epochs[worker]!++;
      for (let pool = 0; pool < pools; pool++) {
        const cell = pool * workers + worker;
        used[cell] = 0;
        waits[2 * cell] = waits[2 * cell + 1] = 0;
      }
      this.#clear(worker);
    } finally {
      this.#lock.release();
    }
  }

  /** Clears a column, and makes the chains again of all entries that are left. */
  #clear(worker: number): void {
    const { control, sizes, heads, held, next, poolOf, hashes } = this.#views;
    const { workers } = this.#memory;
    heads.fill(NONE);
    sizes.fill(0);
    control[FREE] = NONE;
    for (let entry = control[FRESH]!; entry > NONE; entry--) {
      const at = (entry - 1) * workers;
      held[at + worker] = 0;
      let sum = 0;
      for (let i = at; i < at + workers; i++) sum += held[i]!;
      if (sum === 0) {
        next[entry - 1] = control[FREE]!;
        control[FREE] = entry;
        continue;
      }
      const pool = poolOf[entry - 1]!;
      const chain = chainOf(heads, pool, hashes[(entry - 1) * HASH_WORDS]!);
      next[entry - 1] = heads[chain]!;
      heads[chain] = entry;
      sizes[pool]!++;
    }
  }
}
