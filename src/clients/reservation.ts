// What an admitted client holds until it ends: one client and bytes of the slab, both counted by address, and records
// of trends. Invariant: every reservation is released exactly once.
import type { Channel } from "../channels/channel.ts";
import type { Slab } from "../memory/slab.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import type { TrendRecorder } from "../trends/trend_recorder.ts";
import type { AddressPool, PoolRefusal } from "./address_pool.ts";

/** Where reservations are taken from. */
export interface ReservationPools {
  readonly slab: Slab;
  /** Bytes of the slab by address. */
  readonly slabShares: AddressPool;
  /** Clients by address. */
  readonly addresses: AddressPool;
  readonly trends: TrendRecorder;
}

/** Takes one thing after the other; dispose of it to give all of them back. */
export class Reservation implements Disposable {
  readonly #pools: ReservationPools;
  readonly #address: string;
  #slabBytes = 0;
  #shareBytes = 0;
  #isCounted = false;
  #trends: readonly TrendRecord[] | null = null;

  constructor(pools: ReservationPools, address: string) {
    this.#pools = pools;
    this.#address = address;
  }

  /** Trends of the client's channels, for spans that it loses; null unless it asked for them. */
  get trends(): readonly TrendRecord[] | null {
    return this.#trends;
  }

  /** Reserves bytes of the slab for a client. Returns null, or why it is refused. */
  takeSlab(bytes: number): PoolRefusal | null {
    const { slab, slabShares } = this.#pools;
    if (!slab.reserve(bytes)) return "full";
    this.#slabBytes = bytes;
    const refusal = slabShares.take(this.#address, bytes);
    if (refusal === null) this.#shareBytes = bytes;
    return refusal;
  }

  /** Counts the client. Returns null, or why it is refused. */
  takeClient(): PoolRefusal | null {
    const refusal = this.#pools.addresses.take(this.#address);
    if (refusal === null) this.#isCounted = true;
    return refusal;
  }

  /** Leases the trends of some channels; false where there is no memory for them. */
  takeTrends(channels: readonly Channel[]): boolean {
    this.#trends = this.#pools.trends.lease(channels);
    return this.#trends !== null;
  }

  [Symbol.dispose](): void {
    const { slab, slabShares, addresses, trends } = this.#pools;
    if (this.#trends !== null) trends.release(this.#trends);
    if (this.#isCounted) addresses.release(this.#address);
    if (this.#shareBytes > 0) {
      slabShares.release(this.#address, this.#shareBytes);
    }
    if (this.#slabBytes > 0) slab.unreserve(this.#slabBytes);
    this.#trends = null;
    this.#isCounted = false;
    this.#shareBytes = this.#slabBytes = 0;
  }
}
