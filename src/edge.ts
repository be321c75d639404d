// For runtimes that run a fetch handler instead of a server: `deno serve src/edge.ts`, Node and workers by dist/edge.js.
// Settings come from variables such as QANAT_UPSTREAM; without it the embedded source needs no permission.
import { Edge } from "./edge/edge.ts";
import { endAtSignals } from "./edge/end_at_signals.ts";

export { type App, createApp, UpstreamSource } from "../mod.ts";
export { Edge, type EdgeOptions } from "./edge/edge.ts";

/** The instance of this process. A worker makes its own: `new Edge({ env, write })` in its Durable Object. */
export const edge: Edge = new Edge({
  // deno-lint-ignore no-console -- the only output that all of these runtimes have
  write: (line) => console.log(line),
});

// In a worker, and where another module imports this one, signals are not ours.
if (import.meta.main) endAtSignals(edge);

export default { fetch: edge.fetch };
