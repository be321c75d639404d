// Repairs of kafkajs 2.2.4: its timers of negative time, and what it does with answers that are not Kafka's.
import defaultSocketFactory from "kafkajs/src/network/socketFactory.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { ResponseGuard } from "./response_guard.ts";

/** As in kafkajs. */
const CHECK_MS = 10;

interface Queue {
  readonly pending: readonly unknown[];
  /** Unix ms; −1 where the broker does not throttle. */
  readonly throttledUntil: number;
  throttleCheckTimeoutId: unknown;
  checkPendingRequests(): void;
}

/**
 * Changes kafkajs's class for the whole thread; idempotent. After each answer of a broker that does not throttle,
 * kafkajs sets a timer of negative time, of which the runtime warns (TimeoutNegativeWarning). Repaired, it looks at
 * pending requests again after the throttle time or {@linkcode CHECK_MS}.
 */
export function repairRequestQueue(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = schedule;
}

function schedule(this: Queue): void {
  // While no request is pending, a new one is sent at once, or calls this function again.
  if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
  const throttledMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, throttledMs > 0 ? throttledMs : CHECK_MS);
}

// deno-lint-ignore no-explicit-any -- kafkajs's inner classes have no types
type Inner = any;

/**
 * kafkajs's sockets, guarded: a socket is destroyed when an answer is none of Kafka's, or too long. kafkajs itself would
 * collect as many bytes as an answer claims, and its listener throws where a length is below 4, which ends the process.
 */
export function guardedSocketFactory(): (options: Inner) => Inner {
  const create = defaultSocketFactory();
  return (options) => {
    const socket = create(options);
    const guard = new ResponseGuard();
    const on = socket.on.bind(socket);
    socket.on = (event: string, listener: (chunk: Uint8Array) => void) => {
      if (event !== "data") return on(event, listener);
      return on(event, (chunk: Uint8Array) => {
        if (socket.destroyed) return;
        const fault = guard.check(chunk);
        if (fault !== null) return socket.destroy(new Error(fault));
        try {
          listener(chunk);
        } catch (error) {
          socket.destroy(error);
        }
      });
    };
    return socket;
  };
}
