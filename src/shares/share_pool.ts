// A pool that all owners and addresses share: clients, histories, bytes, connections.
// Invariant: a holder is in the table only while it holds something. One that holds something may hold at most
// `sharePercent` of what all others leave; one that holds nothing can get the last unit. So a single holder can use an
// idle server and still leaves room for others. Why: docs/decisions/0025.
import { addressHolder, type ShareHolder } from "./share_holder.ts";

export interface SharePoolOptions {
  /** Of all holders together. */
  readonly capacity: number;
  /** 1 to 100; at 100 one holder may have all of it. A holder may have a percentage of its own. */
  readonly sharePercent: number;
  /** Of one holder, whatever others hold; undefined for any number. @default any number */
  readonly maxOf?: (holder: ShareHolder) => number | undefined;
}

/** `full`: nothing is left. `share`: the holder has its share. `address`, `owner`: it holds the most that it may. */
export type PoolRefusal = "full" | "share" | ShareHolder["kind"];

/** Counts by holder how much is held; a text is an address. What has no address ("") counts only in the total. */
export class SharePool {
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

  /** Held by all. */
  get used(): number {
    return this.#used;
  }

  /** Owners and addresses that hold something. */
  get size(): number {
    return this.#held.size;
  }

  /** Held by the holder that has most. Linear: for status. */
  get most(): number {
    let most = 0;
    for (const held of this.#held.values()) if (held > most) most = held;
    return most;
  }

  /** The most that a holder may have, whatever others hold; undefined for any number. */
  maxOf(holder: ShareHolder): number | undefined {
    return this.#maxOf(holder);
  }

  /** Takes `amount` for a holder. Returns null, or why it is refused. */
  take(whom: ShareHolder | string, amount = 1): PoolRefusal | null {
    const holder = holderIn(whom);
    const { key } = holder;
    const refusal = this.#refusal(holder, amount, this.#used);
    if (refusal !== null) return refusal;
    this.#used += amount;
    if (key !== "") this.#held.set(key, (this.#held.get(key) ?? 0) + amount);
    return null;
  }

  /** Gives to one holder what another one has. Returns null, or why it is refused. */
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
    if (amount > held) {
      throw new Error(
        `Cannot release ${amount} of ${
          key || "no address"
        } as it holds ${held}`,
      );
    }
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
    const { capacity } = this;
    const { key, kind, limits } = holder;
    const held = this.#held.get(key) ?? 0;
    const isKnown = key !== "";
    const wanted = held + amount;
    const max = this.#maxOf(holder);
    if (isKnown && max !== undefined && wanted > max) return kind;
    if (used + amount > capacity) return "full";
    const percent = limits.sharePercent ?? this.sharePercent;
    const share = percent * (capacity - (used - held)) / 100;
    return isKnown && held > 0 && wanted > share ? "share" : null;
  }
}

function holderIn(whom: ShareHolder | string): ShareHolder {
  return typeof whom === "string" ? addressHolder(whom) : whom;
}
