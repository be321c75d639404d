// A MessagePort between two threads, as the `Port` of this folder.
import type { Port } from "./messages.ts";

/** Messages arrive from now on. */
export function threadPort<Sent, Received>(
  messages: MessagePort,
): Port<Sent, Received> {
  const port: Port<Sent, Received> = {
    send: (message) => messages.postMessage(message),
    onMessage: null,
  };
  messages.onmessage = ({ data }) => port.onMessage?.(data as Received);
  return port;
}
