// A MessagePort between two threads, as ways for several parts of the threads.
// Invariant: messages of all parts arrive in the order in which they were sent.
import type { Port } from "./port.ts";

interface Addressed {
  readonly part: number;
  readonly message: unknown;
}

/**
 * So many ways over one MessagePort, in the same order at both of its ends. Messages arrive from now on, until it is
 * closed: set `onMessage` of each at once.
 */
export function threadPorts(
  messages: MessagePort,
  count: number,
): Port<never, never>[] {
  const ports = Array.from(
    { length: count },
    (_, part): Port<never, never> => ({
      send: (message, transfer = []) =>
        messages.postMessage({ part, message }, transfer),
      onMessage: null,
    }),
  );
  messages.onmessage = ({ data }) => {
    const { part, message } = data as Addressed;
    ports[part]!.onMessage?.(message as never);
  };
  return ports;
}
