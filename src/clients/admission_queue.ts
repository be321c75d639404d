// Lets new streams in a few a turn, so that a storm of them delays no row by more than its slice.
// Invariant: first come, first served; a bounded number waits, and of each address a share; nobody once it is closed.
import { AddressPool, type PoolRefusal } from "./address_pool.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";

/** What a turn may do: eight openings of few channels, about 0.3 ms each, most of it the HTTP request. */
const SHARES_A_TURN = 8;
/** A new selection of so many channels costs about as much as a request. */
const CHANNELS_A_SHARE = 100;

interface Opening {
  readonly shares: number;
  readonly goOn: () => void;
}

/** Requests that wait to be admitted. */
export class AdmissionQueue implements Task {
  readonly #scheduler: CooperativeScheduler;
  readonly #pool: AddressPool;
  #waiting: Opening[] = [];
  #isClosed = false;

  constructor(
    scheduler: CooperativeScheduler,
    options: { waitingMax: number; sharePercent: number },
  ) {
    this.#scheduler = scheduler;
    this.#pool = new AddressPool({
      capacity: options.waitingMax,
      sharePercent: options.sharePercent,
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get waitingMax(): number {
    return this.#pool.capacity;
  }

  /**
   * Resolves with null when a stream of so many channels may be opened; at once with a refusal where too many wait.
   */
  turn(address: string, channels: number): Promise<PoolRefusal | null> {
    if (this.#isClosed) return Promise.resolve(null);
    const refusal = this.#pool.take(address);
    if (refusal !== null) return Promise.resolve(refusal);
    return new Promise((resolve) => {
      const shares = Math.max(1, channels / CHANNELS_A_SHARE);
      const goOn = () => {
        this.#pool.release(address);
        resolve(null);
      };
      this.#waiting.push({ shares, goOn });
      this.#scheduler.ask(this);
    });
  }

  /** Lets in as many as fit into a turn: one at least, however large. */
  work(): boolean {
    let shares = 0;
    let count = 0;
    for (const opening of this.#waiting) {
      shares += opening.shares;
      if (count > 0 && shares > SHARES_A_TURN) break;
      count++;
    }
    for (const { goOn } of this.#waiting.splice(0, count)) goOn();
    return this.#waiting.length > 0;
  }

  /** Lets everybody go on; whoever admits them refuses them. */
  close(): void {
    this.#isClosed = true;
    for (const { goOn } of this.#waiting.splice(0)) goOn();
  }
}
