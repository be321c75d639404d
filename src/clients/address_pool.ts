// A pool that all addresses share: clients, histories, bytes, connections.
// Invariant: an address is in the table only while it holds something. An address that holds something may hold at most
// `sharePercent` of what all others leave; one that holds nothing can get the last unit. So a single address can use an
// idle server and still leaves room for others. Why: docs/decisions/0025.
import { addressKey } from "./client_address.ts";

export interface AddressPoolOptions {
  /** Of all addresses together. */
  readonly capacity: number;
  /** 1 to 100; at 100 one address may have all of it. */
  readonly sharePercent: number;
  /** Of one address, whatever others hold; 0 for any number. @default 0 */
  readonly perAddressMax?: number;
}

/** `full`: nothing is left. `share`: the address holds its share. `address`: it holds `perAddressMax`. */
export type PoolRefusal = "full" | "share" | "address";

/** Counts by address how much is held. What has no address ("") counts only in the total. IPv6 counts by /64. */
export class AddressPool {
  readonly capacity: number;
  readonly sharePercent: number;
  readonly #perAddressMax: number;
  readonly #held = new Map<string, number>();
  #used = 0;

  constructor(options: AddressPoolOptions) {
    this.capacity = options.capacity;
    this.sharePercent = options.sharePercent;
    this.#perAddressMax = options.perAddressMax ?? 0;
  }

  /** Held by all. */
  get used(): number {
    return this.#used;
  }

  /** Addresses that hold something. */
  get size(): number {
    return this.#held.size;
  }

  /** Held by the address that holds most. Linear: for status. */
  get most(): number {
    let most = 0;
    for (const held of this.#held.values()) if (held > most) most = held;
    return most;
  }

  /** Takes `amount` for an address. Returns null, or why it is refused. */
  take(address: string, amount = 1): PoolRefusal | null {
    const key = addressKey(address);
    const refusal = this.#refusal(key, amount, this.#used);
    if (refusal !== null) return refusal;
    this.#used += amount;
    if (key !== "") this.#held.set(key, (this.#held.get(key) ?? 0) + amount);
    return null;
  }

  /** Gives to one address what another one holds. Returns null, or why it is refused. */
  move(from: string, to: string, amount = 1): PoolRefusal | null {
    const key = addressKey(to);
    if (addressKey(from) === key) return null;
    const refusal = this.#refusal(key, amount, this.#used - amount);
    if (refusal !== null) return refusal;
    this.release(from, amount);
    return this.take(to, amount);
  }

  release(address: string, amount = 1): void {
    const key = addressKey(address);
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

  #refusal(key: string, amount: number, used: number): PoolRefusal | null {
    const { capacity, sharePercent } = this;
    const held = this.#held.get(key) ?? 0;
    const isKnown = key !== "";
    const wanted = held + amount;
    if (isKnown && this.#perAddressMax > 0 && wanted > this.#perAddressMax) {
      return "address";
    }
    if (used + amount > capacity) return "full";
    const share = sharePercent * (capacity - (used - held)) / 100;
    return isKnown && held > 0 && wanted > share ? "share" : null;
  }
}
