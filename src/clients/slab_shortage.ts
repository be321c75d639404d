// Makes room when the slab has no slot for a frame: drops some stalled clients, and feeds the others again shortly.
// Invariant: at most one retry is pending.
import type { ClientLifecycle } from "./lifecycle.ts";
import type { GroupClient } from "./selection_group.ts";

/** A client whose writes have made no progress for this long may be dropped, ms. */
const STALL_GRACE_MS = 500;
const RETRY_MS = 20;
/** One in so many stalled clients is dropped at a time. */
const DROP_FRACTION = 8;

export class SlabShortage {
  readonly #lifecycle: ClientLifecycle;
  readonly #retry: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `retry`: feeds the clients again. */
  constructor(lifecycle: ClientLifecycle, retry: () => void) {
    this.#lifecycle = lifecycle;
    this.#retry = retry;
  }

  /** A frame found no slot. Its row is encoded again from the page ring later. */
  report(): void {
    this.#lifecycle.books.counters.slabShort++;
    if (this.#timer !== null) return;
    this.#dropStalled();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#retry();
    }, RETRY_MS);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Drops an eighth of the stalled clients, those that have stalled longest. Their slots are free again at once. */
  #dropStalled(): void {
    const beforeMs = this.#lifecycle.clockMs() - STALL_GRACE_MS;
    const stalled: GroupClient[] = [];
    for (const client of this.#lifecycle.clients()) {
      const isStill = client.lastProgressMs <= beforeMs;
      if (isStill && client.outlet.inFlight > 0) stalled.push(client);
    }
    stalled.sort((a, b) => a.lastProgressMs - b.lastProgressMs);
    const count = Math.ceil(stalled.length / DROP_FRACTION);
    for (const client of stalled.slice(0, count)) {
      // The reason `stalled` is for clients without progress for --write-stall-ms; these were too slow for the slab.
      this.#lifecycle.drop(client, "slow");
    }
  }
}
