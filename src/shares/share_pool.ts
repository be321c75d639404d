// A pool that all owners and addresses share: clients, histories, bytes, connections.
// Invariant: a holder is counted only while it holds something. One that holds something may hold at most
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

/**
 * Counts by holder how much is held; a text is an address. What has no address ("") counts only in the total. Amounts
 * are whole and above 0. A thread releases only what it has taken itself.
 */
export interface SharePool {
  readonly capacity: number;
  readonly sharePercent: number;
  /** Held by all. */
  readonly used: number;
  /** Owners and addresses that hold something. */
  readonly size: number;
  /** The most that a holder may have, whatever others hold; undefined for any number. */
  maxOf(holder: ShareHolder): number | undefined;
  /** Takes `amount` for a holder. Returns null, or why it is refused. @default 1 */
  take(whom: ShareHolder | string, amount?: number): PoolRefusal | null;
  /** Gives to one holder what another one has. Returns null, or why it is refused. @default 1 */
  move(
    from: ShareHolder | string,
    to: ShareHolder | string,
    amount?: number,
  ): PoolRefusal | null;
  /** Throws when the holder has less. @default 1 */
  release(whom: ShareHolder | string, amount?: number): void;
}

/** What a request for `amount` is judged by. */
export interface ShareRequest {
  readonly pool: Pick<SharePool, "capacity" | "sharePercent">;
  readonly holder: ShareHolder;
  readonly amount: number;
  /** See {@linkcode SharePool.maxOf}. */
  readonly max: number | undefined;
  /** Held by the holder, and by all. */
  readonly held: number;
  readonly used: number;
}

/** The rule of all pools: null, or why a holder may not have so much more. */
export function refusalOf(
  { pool, holder, amount, max, held, used }: ShareRequest,
): PoolRefusal | null {
  const { capacity, sharePercent } = pool;
  const { key, kind, limits } = holder;
  const isKnown = key !== "";
  const wanted = held + amount;
  if (isKnown && max !== undefined && wanted > max) return kind;
  if (used + amount > capacity) return "full";
  const percent = limits.sharePercent ?? sharePercent;
  const share = percent * (capacity - (used - held)) / 100;
  return isKnown && held > 0 && wanted > share ? "share" : null;
}

export function holderIn(whom: ShareHolder | string): ShareHolder {
  return typeof whom === "string" ? addressHolder(whom) : whom;
}

/** The error of a release that is a bug. */
export function heldLess(key: string, amount: number, held: number): Error {
  return new Error(
    `Cannot release ${amount} of ${key || "no address"} as it holds ${held}`,
  );
}
