// The pools of a process of which several threads serve: all count in one table.
// Invariant: that of `SharePool`, over all threads.
import type { ShareHolder } from "./share_holder.ts";
import { type ShareColumn, ShareViews } from "./share_memory.ts";
import {
  holderIn,
  type PoolRefusal,
  type SharePool,
  type SharePoolOptions,
} from "./share_pool.ts";
import {
  POOL_NAMES,
  type PoolName,
  type SharePools,
  type WaitNotice,
} from "./share_pools.ts";
import { ShareTable } from "./share_table.ts";

/** One worker's view of the pools of its process. */
export class TableSharePools implements SharePools {
  readonly #table: ShareTable;
  readonly #column: ShareColumn;

  constructor(column: ShareColumn) {
    this.#table = new ShareTable(column);
    this.#column = column;
  }

  get refusedHolders(): number {
    return this.#table.refusedHolders;
  }

  pool(name: PoolName, options: SharePoolOptions): SharePool {
    return new TableSharePool(this.#table, POOL_NAMES.indexOf(name), options);
  }

  notice(name: PoolName): WaitNotice {
    return new TableNotice(this.#column, POOL_NAMES.indexOf(name));
  }

  nextClientNumber(): number {
    return this.#table.nextClientNumber();
  }
}

/** One worker's view of one pool. */
class TableSharePool implements SharePool {
  readonly capacity: number;
  readonly sharePercent: number;
  readonly number: number;
  readonly #table: ShareTable;
  readonly #maxOf: (holder: ShareHolder) => number | undefined;

  constructor(table: ShareTable, number: number, options: SharePoolOptions) {
    this.capacity = options.capacity;
    this.sharePercent = options.sharePercent;
    this.number = number;
    this.#table = table;
    this.#maxOf = options.maxOf ?? (() => undefined);
  }

  get used(): number {
    return this.#table.used(this.number);
  }

  get size(): number {
    return this.#table.size(this.number);
  }

  maxOf(holder: ShareHolder): number | undefined {
    return this.#maxOf(holder);
  }

  take(whom: ShareHolder | string, amount = 1): PoolRefusal | null {
    const holder = holderIn(whom);
    return this.#table.take(this, holder, amount, this.#maxOf(holder));
  }

  move(
    from: ShareHolder | string,
    to: ShareHolder | string,
    amount = 1,
  ): PoolRefusal | null {
    const giver = holderIn(from);
    const taker = holderIn(to);
    if (giver.key === taker.key) return null;
    const max = this.#maxOf(taker);
    return this.#table.move(this, giver, taker, { amount, max });
  }

  release(whom: ShareHolder | string, amount = 1): void {
    this.#table.release(this, holderIn(whom), amount);
  }
}

/** One worker's view of who waits. Each thread writes its own two words. */
class TableNotice implements WaitNotice {
  readonly #waits: Int32Array<SharedArrayBuffer>;
  readonly #workers: number;
  readonly #first: number;
  readonly #own: number;

  constructor({ memory, worker }: ShareColumn, pool: number) {
    this.#waits = new ShareViews(memory).waits;
    this.#workers = memory.workers;
    this.#first = 2 * pool * memory.workers;
    this.#own = this.#first + 2 * worker;
  }

  set(waiting: number, short: number): void {
    Atomics.store(this.#waits, this.#own, waiting);
    Atomics.store(this.#waits, this.#own + 1, short);
  }

  get othersWaiting(): number {
    return this.#others(0);
  }

  get othersShort(): number {
    return this.#others(1);
  }

  #others(word: number): number {
    let sum = 0;
    for (let worker = 0; worker < this.#workers; worker++) {
      const at = this.#first + 2 * worker;
      if (at !== this.#own) sum += Atomics.load(this.#waits, at + word);
    }
    return sum;
  }
}
