// Makes a listener accept connections again after the process had run out of file descriptors.
import type { Server } from "node:net";

/**
 * The runtime's accept loop ends silently and permanently when no file descriptor is left (Deno 2.9.6). Listening again on
 * the same handle restarts the loop, and does nothing while it runs (test/runtime_facts_test.ts).
 */
export function keepAccepting(server: Server, backlog: number): void {
  type Handle = { listen?: (backlog: number) => number };
  const { _handle } = server as Server & { _handle?: Handle | null };
  _handle?.listen?.(backlog);
}
