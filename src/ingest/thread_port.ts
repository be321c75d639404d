// A MessagePort between two threads, as the `Port` of this folder.
import type { Port } from "./messages.ts";

/** Messages arrive from now on, until it is closed. */
export function threadPort<Sent, Received>(
  messages: MessagePort,
): Port<Sent, Received> & { close(): void } {
  const port: Port<Sent, Received> & { close(): void } = {
    send: (message) => messages.postMessage(message),
    onMessage: null,
    close: () => messages.close(),
  };
  messages.onmessage = ({ data }) => port.onMessage?.(data as Received);
  return port;
}
