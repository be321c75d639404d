// Mends kafkajs 2.2.4, which asks for a timer of negative time after each answer of a broker that throttles nobody: the
// runtime warns of it (TimeoutNegativeWarning) and takes 1 ms. Invariant: a request that waits is looked at again.
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

/** As in kafkajs. */
const CHECK_MS = 10;

interface Queue {
  readonly pending: readonly unknown[];
  /** Unix ms; −1 where the broker throttles nobody. */
  readonly throttledUntil: number;
  throttleCheckTimeoutId: unknown;
  checkPendingRequests(): void;
}

/** For every connection of kafkajs in this thread. Idempotent. */
export function mendRequestQueue(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = schedule;
}

function schedule(this: Queue): void {
  // What is asked while nothing waits is sent at once, or comes here again.
  if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
  const throttledMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, throttledMs > 0 ? throttledMs : CHECK_MS);
}
