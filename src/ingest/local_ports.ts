// Two ends within one thread. Invariant: a message arrives after the running code has returned, in the order of sending.
import type { Port } from "./messages.ts";

export function localPorts<A, B>(): [Port<A, B>, Port<B, A>] {
  const one: Port<A, B> = {
    send: (message) => queueMicrotask(() => two.onMessage?.(message)),
    onMessage: null,
  };
  const two: Port<B, A> = {
    send: (message) => queueMicrotask(() => one.onMessage?.(message)),
    onMessage: null,
  };
  return [one, two];
}
