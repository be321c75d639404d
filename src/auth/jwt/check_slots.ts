// Limits how many checks run at once and how many wait, for one address too; addresses take turns.
// Invariant: a slot and a waiting place that were taken are released, however the check ends.
import { addressHolder } from "../../shares/share_holder.ts";
import { HolderQueue } from "../../shares/holder_queue.ts";
import { LocalSharePool } from "../../shares/local_share_pool.ts";
import type { PoolRefusal, SharePool } from "../../shares/share_pool.ts";

export interface CheckSlotsOptions {
  /** Checks that run at once. */
  readonly slots: number;
  /** Checks that wait. */
  readonly waitingMax: number;
  /** The most of these that one address may have, percent of what others leave. */
  readonly sharePercent: number;
}

export class CheckSlots {
  readonly #slots: number;
  readonly #places: SharePool;
  readonly #waiting = new HolderQueue<() => void>();
  #running = 0;

  constructor({ slots, waitingMax, sharePercent }: CheckSlotsOptions) {
    this.#slots = slots;
    this.#places = new LocalSharePool({ capacity: waitingMax, sharePercent });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Runs a check as soon as a slot is free and its address has its turn; returns why where it may not wait. */
  run<T>(address: string, check: () => Promise<T>): Promise<T> | PoolRefusal {
    if (this.#running < this.#slots) {
      this.#running++;
      return this.#run(check);
    }
    const holder = addressHolder(address);
    const refusal = this.#places.take(holder);
    if (refusal !== null) return refusal;
    const turn = Promise.withResolvers<void>();
    this.#waiting.add(holder.key, () => {
      this.#places.release(holder);
      turn.resolve();
    });
    return turn.promise.then(() => this.#run(check));
  }

  /** In a slot that is taken. */
  async #run<T>(check: () => Promise<T>): Promise<T> {
    try {
      return await check();
    } finally {
      // The slot goes to the next one, or back.
      const next = this.#waiting.serveNext();
      if (next) next();
      else this.#running--;
    }
  }
}
