// The pools of one process, by name, whether one thread serves its clients or several.
// Invariant: a name is one pool, however often it is asked for; all who ask give the same options.
import { LocalSharePool } from "./local_share_pool.ts";
import type { SharePool, SharePoolOptions } from "./share_pool.ts";

export const POOL_NAMES = [
  "clients",
  /** Requests that wait for admission. */
  "admissions",
  "histories",
  "resumes",
  /** Of all ports for clients, and of the port for operators. */
  "connections",
  "operator-connections",
  /** Open calls of Flight. */
  "calls",
  /** Streams to relays. */
  "relays",
  /** Bytes of all holders together. */
  "bodies",
  "held-requests",
  "unread-answers",
  "call-messages",
] as const;

export type PoolName = typeof POOL_NAMES[number];

/** What each thread reports to the others about clients that wait for something of a pool. */
export interface WaitNotice {
  /** Clients of this thread that wait; and those of them that lack nothing but a free unit. */
  set(waiting: number, short: number): void;
  /** The same of all other threads. */
  readonly othersWaiting: number;
  readonly othersShort: number;
}

/** What all threads that serve clients count together. */
export interface SharePools {
  pool(name: PoolName, options: SharePoolOptions): SharePool;
  notice(name: PoolName): WaitNotice;
  /** The number of one more stream, from 1 on: later streams have larger ones. */
  nextClientNumber(): number;
  /** Holders that were refused because there was no memory to count them. */
  readonly refusedHolders: number;
}

const NOBODY_ELSE: WaitNotice = {
  set: () => {},
  othersWaiting: 0,
  othersShort: 0,
};

/** Those of a process of which one thread serves. */
export class LocalSharePools implements SharePools {
  readonly refusedHolders = 0;
  readonly #pools = new Map<PoolName, SharePool>();
  #clients = 0;

  pool(name: PoolName, options: SharePoolOptions): SharePool {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const pool = new LocalSharePool(options);
    this.#pools.set(name, pool);
    return pool;
  }

  notice(): WaitNotice {
    return NOBODY_ELSE;
  }

  nextClientNumber(): number {
    return ++this.#clients;
  }
}
