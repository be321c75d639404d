// How the threads of a process share permits of one kind: each says who waits in it, and leaves permits to the others.
// Invariant: with one thread, nothing is left to anyone. Limits do not depend on this: the pool of permits keeps them.
import type { WaitNotice } from "../shares/share_pools.ts";

/** A permit that is left to others is free for all of them to take in at least one whole interval between two looks. */
const LOOKS_LEFT = 2;

/** One thread's part, for one kind of permits. */
export class PermitExchange {
  readonly #notice: WaitNotice;
  /** Permits that clients of this thread have. */
  #had = 0;
  /** Holders whose clients lack nothing but a permit. */
  #short = 0;
  #waiting = 0;
  /** Whether a new history was refused within the last second. */
  #wasRefused = false;
  /** Looks until permits that are left to other threads are taken here again. */
  #looksLeft = 0;

  constructor(notice: WaitNotice) {
    this.#notice = notice;
  }

  /** Whether clients of other threads need a permit that a stalled client of this one may have. */
  get othersWait(): boolean {
    return this.#notice.othersWaiting > 0;
  }

  /** Whether permits that are free now are left to other threads. */
  get leavesPermits(): boolean {
    return this.#looksLeft > 0;
  }

  /** Whether clients of other threads that have waited need all of the free permits. */
  needsAll(free: number): boolean {
    const { othersShort } = this.#notice;
    return othersShort > 0 && othersShort >= free;
  }

  /** The line was served: so many clients wait, and so many holders lack nothing but a permit. */
  served(waiting: number, short: number): void {
    this.#waiting = waiting;
    this.#short = short;
    this.#report();
  }

  /** A new history was refused. */
  refused(): void {
    this.#wasRefused = true;
    this.#report();
  }

  /** A client of this thread has a permit now. */
  taken(): void {
    this.#had++;
  }

  /**
   * A permit was returned, of `capacity`. It is left to other threads where this one had more than its part of them, by
   * the number of holders that wait.
   */
  returned(capacity: number): void {
    const had = this.#had--;
    const { othersShort } = this.#notice;
    const part = capacity * this.#short / (this.#short + othersShort);
    if (othersShort > 0 && had > part) this.#looksLeft = LOOKS_LEFT;
  }

  /** Call it ten times a second. */
  look(): void {
    if (this.#looksLeft > 0) this.#looksLeft--;
  }

  /** Call it once a second. */
  tick(): void {
    this.#wasRefused = false;
    this.#report();
  }

  #report(): void {
    this.#notice.set(this.#waiting + (this.#wasRefused ? 1 : 0), this.#short);
  }
}
