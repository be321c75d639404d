// The memory of requests that wait for the answer before them, and of long answers that clients have not read.
// Invariant: both have a limit over all servers of the process, in whatever thread they are.
import { LocalSharePools, type SharePools } from "../../shares/share_pools.ts";
import type { SharePool } from "../../shares/share_pool.ts";
import type { ConnectionFigures } from "./connection_figures.ts";

/** Bytes of later requests that wait for an earlier answer, over all connections. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes of long answers that clients have not read yet, over all connections. */
const UNREAD_BYTES_MAX = 256 * 1024 * 1024;

export interface ConnectionMemoryOptions {
  readonly figures: Pick<ConnectionFigures, "heldBytes" | "unreadBytes">;
  /** What this thread counts together with others. @default pools of its own */
  readonly sharePools?: SharePools | undefined;
  /** Threads that serve. @default 1 */
  readonly workers?: number | undefined;
}

/** That of one server. */
export class ConnectionMemory {
  readonly #figures: ConnectionMemoryOptions["figures"];
  readonly #workers: number;
  readonly #held: SharePool;
  readonly #unread: SharePool;
  /** Of this server, when it was last measured. */
  #unreadBytes = 0;

  constructor(
    { figures, sharePools = new LocalSharePools(), workers = 1 }:
      ConnectionMemoryOptions,
  ) {
    this.#figures = figures;
    this.#workers = workers;
    this.#held = sharePools.pool("held-requests", {
      capacity: HELD_BYTES_MAX,
      sharePercent: 100,
    });
    this.#unread = sharePools.pool("unread-answers", {
      capacity: Infinity,
      sharePercent: 100,
    });
  }

  /** Takes bytes for a request that waits; false where there are too many. Below 0: returns them. */
  hold(byteLength: number): boolean {
    if (byteLength < 0) this.#held.release("", -byteLength);
    else if (byteLength > 0 && this.#held.take("", byteLength) !== null) {
      return false;
    }
    this.#figures.heldBytes += byteLength;
    return true;
  }

  /** Notes how much of this server's answers is not read. Returns how much of that may stay. */
  measured(unreadBytes: number): number {
    const change = unreadBytes - this.#unreadBytes;
    this.#unreadBytes = unreadBytes;
    // Two servers of a thread count in the same figures.
    this.#figures.unreadBytes += change;
    if (change > 0) this.#unread.take("", change);
    else if (change < 0) this.#unread.release("", -change);
    const others = this.#unread.used - unreadBytes;
    // A thread with less than its part keeps that: whenever the sum is above the limit, another one has more.
    return Math.max(
      UNREAD_BYTES_MAX / this.#workers,
      UNREAD_BYTES_MAX - others,
    );
  }
}
