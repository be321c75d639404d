// The versions of the runtime on which Qanat may use a socket's native handle: src/http/transport/raw_write.ts writes on
// it, read_watch.ts reads on it, and the server listens on it again. All three rest on fields that are no public API.
// Invariant: on any other version only public API is used (docs/decisions/0038).

/** On these, test/runtime_facts_test.ts, read_watch_test.ts and test/clients/recycling_test.ts have passed. */
export const PROVEN_RUNTIMES: readonly string[] = [
  "deno 2.8.3",
  "deno 2.9.0",
  "deno 2.9.1",
  "deno 2.9.2",
  "deno 2.9.3",
  "deno 2.9.4",
  "deno 2.9.5",
  "deno 2.9.6",
];

/** How frames reach the sockets: `raw` on the native handle, `stream` by the public `socket.write()`. */
export type SocketWrites = "raw" | "stream";

/** Name and version of this runtime. */
export function runtimeName(): string {
  const { Deno: deno, process } = globalThis as {
    Deno?: { readonly version: { readonly deno: string } };
    process?: { readonly version?: string };
  };
  if (deno) return `deno ${deno.version.deno}`;
  return process?.version ? `node ${process.version}` : "unknown";
}

/** Whether native handles may be used on a runtime. */
export function isProven(runtime: string): boolean {
  return PROVEN_RUNTIMES.includes(runtime);
}
