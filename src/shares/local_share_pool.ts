// A pool of one thread. Invariant: that of `SharePool`.
import type { ShareHolder } from "./share_holder.ts";
import {
  heldLess,
  holderIn,
  type PoolRefusal,
  refusalOf,
  type SharePool,
  type SharePoolOptions,
} from "./share_pool.ts";

/** Counts in a map. */
export class LocalSharePool implements SharePool {
  readonly capacity: number;
  readonly sharePercent: number;
  readonly #maxOf: (holder: ShareHolder) => number | undefined;
  readonly #held = new Map<string, number>();
  #used = 0;

  constructor(options: SharePoolOptions) {
    this.capacity = options.capacity;
    this.sharePercent = options.sharePercent;
    this.#maxOf = options.maxOf ?? (() => undefined);
  }

  get used(): number {
    return this.#used;
  }

  get size(): number {
    return this.#held.size;
  }

  maxOf(holder: ShareHolder): number | undefined {
    return this.#maxOf(holder);
  }

  take(whom: ShareHolder | string, amount = 1): PoolRefusal | null {
    const holder = holderIn(whom);
    const { key } = holder;
    const refusal = this.#refusal(holder, amount, this.#used);
    if (refusal !== null) return refusal;
    this.#used += amount;
    if (key !== "") this.#held.set(key, (this.#held.get(key) ?? 0) + amount);
    return null;
  }

  move(
    from: ShareHolder | string,
    to: ShareHolder | string,
    amount = 1,
  ): PoolRefusal | null {
    const holder = holderIn(to);
    if (holderIn(from).key === holder.key) return null;
    const refusal = this.#refusal(holder, amount, this.#used - amount);
    if (refusal !== null) return refusal;
    this.release(from, amount);
    return this.take(holder, amount);
  }

  release(whom: ShareHolder | string, amount = 1): void {
    const { key } = holderIn(whom);
    const held = key === "" ? this.#used : this.#held.get(key) ?? 0;
    if (amount > held) throw heldLess(key, amount, held);
    this.#used -= amount;
    if (key === "") return;
    if (amount === held) this.#held.delete(key);
    else this.#held.set(key, held - amount);
  }

  #refusal(
    holder: ShareHolder,
    amount: number,
    used: number,
  ): PoolRefusal | null {
    const held = this.#held.get(holder.key) ?? 0;
    const max = this.#maxOf(holder);
    return refusalOf({ pool: this, holder, amount, max, held, used });
  }
}
