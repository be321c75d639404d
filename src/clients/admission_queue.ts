// Admits a few new streams per turn, so that a burst of them delays no row by more than a slice.
// Invariant: first in, first out. The number that waits is bounded, for each owner or address, too. After close() none waits.
import type { ShareHolder } from "../shares/share_holder.ts";
import type { PoolRefusal, SharePool } from "../shares/share_pool.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";

/** Shares per turn: a stream of few channels is one share, about 0.3 ms, most of it for the HTTP request. */
const SHARES_PER_TURN = 8;
/** This many channels are one share: a new selection of them takes about as long as a request. */
const CHANNELS_PER_SHARE = 100;
/** To open trends of a channel takes as long as to open so many channels of rows. */
const CHANNELS_PER_TREND = 15;

interface QueuedRequest {
  readonly shares: number;
  readonly proceed: () => void;
}

/** Requests that wait to be admitted. */
export class AdmissionQueue implements Task {
  readonly #scheduler: CooperativeScheduler;
  readonly #pool: SharePool;
  #queue: QueuedRequest[] = [];
  #isClosed = false;

  /** `pool`: those that may wait. */
  constructor(scheduler: CooperativeScheduler, pool: SharePool) {
    this.#scheduler = scheduler;
    this.#pool = pool;
  }

  get size(): number {
    return this.#queue.length;
  }

  get queuedMax(): number {
    return this.#pool.capacity;
  }

  /**
   * Resolves with null when a stream of so many channels, and of these trends, may be opened; at once with a refusal
   * if too many wait.
   */
  waitForTurn(
    holder: ShareHolder | string,
    channels: number,
    trends: readonly unknown[] = [],
  ): Promise<PoolRefusal | null> {
    if (this.#isClosed) return Promise.resolve(null);
    const refusal = this.#pool.take(holder);
    if (refusal !== null) return Promise.resolve(refusal);
    return new Promise((resolve) => {
      const work = channels + trends.length * CHANNELS_PER_TREND;
      const shares = Math.max(1, work / CHANNELS_PER_SHARE);
      const proceed = () => {
        this.#pool.release(holder);
        resolve(null);
      };
      this.#queue.push({ shares, proceed });
      this.#scheduler.schedule(this);
    });
  }

  /** Lets as many requests proceed as fit into a turn: at least one, however large. */
  run(): boolean {
    let shares = 0;
    let count = 0;
    for (const request of this.#queue) {
      shares += request.shares;
      if (count > 0 && shares > SHARES_PER_TURN) break;
      count++;
    }
    for (const { proceed } of this.#queue.splice(0, count)) proceed();
    return this.#queue.length > 0;
  }

  /** Lets all requests proceed; the admission control refuses them. */
  close(): void {
    this.#isClosed = true;
    for (const { proceed } of this.#queue.splice(0)) proceed();
  }
}
