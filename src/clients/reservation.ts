// What an admitted client holds until it ends: one client and bytes of the slab, both counted by owner or address, and records
// of trends. Invariant: every reservation is released exactly once.
import type { Channel } from "../channels/channel.ts";
import type { Slab } from "../memory/slab.ts";
import type { RecordedTrend, Trends } from "../trends/recorded_trend.ts";
import { LocalSharePool } from "../shares/local_share_pool.ts";
import type { ShareHolder } from "../shares/share_holder.ts";
import type { PoolRefusal, SharePool } from "../shares/share_pool.ts";

/** Where reservations are taken from. */
export interface ReservationPools {
  readonly slab: Slab;
  /** Bytes of the slab by owner or address. */
  readonly slabShares: SharePool;
  /** Clients by owner or address. */
  readonly clients: SharePool;
  readonly trends: Trends;
}

/** Bytes of a thread's slab by owner or address. Each thread has its own, so each of them must leave room for others. */
export function slabPool(slab: Slab, sharePercent: number): SharePool {
  return new LocalSharePool({ capacity: slab.budgetBytes, sharePercent });
}

/** Takes one thing after the other; dispose of it to give all of them back. */
export class Reservation implements Disposable {
  readonly #pools: ReservationPools;
  /** For whom it is. */
  readonly holder: ShareHolder;
  #slabBytes = 0;
  #shareBytes = 0;
  #isCounted = false;
  #trends: readonly RecordedTrend[] | null = null;

  constructor(pools: ReservationPools, holder: ShareHolder) {
    this.#pools = pools;
    this.holder = holder;
  }

  /** Trends of the client's channels, for spans that it loses; null unless it asked for them. */
  get trends(): readonly RecordedTrend[] | null {
    return this.#trends;
  }

  /** Reserves bytes of the slab for a client. Returns null, or why it is refused. */
  takeSlab(bytes: number): PoolRefusal | null {
    const { slab, slabShares } = this.#pools;
    if (!slab.reserve(bytes)) return "full";
    this.#slabBytes = bytes;
    const refusal = slabShares.take(this.holder, bytes);
    if (refusal === null) this.#shareBytes = bytes;
    return refusal;
  }

  /** Counts the client. Returns null, or why it is refused. */
  takeClient(): PoolRefusal | null {
    const refusal = this.#pools.clients.take(this.holder);
    if (refusal === null) this.#isCounted = true;
    return refusal;
  }

  /** Leases the trends of some channels; false where there is no memory for them. */
  takeTrends(channels: readonly Channel[]): boolean {
    this.#trends = this.#pools.trends.lease(channels);
    return this.#trends !== null;
  }

  [Symbol.dispose](): void {
    const { slab, slabShares, clients, trends } = this.#pools;
    if (this.#trends !== null) trends.release(this.#trends);
    if (this.#isCounted) clients.release(this.holder);
    if (this.#shareBytes > 0) {
      slabShares.release(this.holder, this.#shareBytes);
    }
    if (this.#slabBytes > 0) slab.unreserve(this.#slabBytes);
    this.#trends = null;
    this.#isCounted = false;
    this.#shareBytes = this.#slabBytes = 0;
  }
}
