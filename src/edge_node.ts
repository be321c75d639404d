// Serves an instance with Node, without Deno: `deno task edge`, then `node dist/edge_node.js`.
// Settings come from variables such as QANAT_UPSTREAM, the address from PORT and HOST.
import { serve } from "@hono/node-server";
import process from "node:process";
import { Edge } from "./edge/edge.ts";
import { addMissingGlobals } from "./edge/node_globals.ts";

addMissingGlobals();
const edge = new Edge({
  // deno-lint-ignore no-console -- the output of a server in Node
  write: (line) => console.log(line),
});
const server = serve({
  fetch: edge.fetch,
  port: Number(process.env.PORT ?? 8080),
  hostname: process.env.HOST ?? "127.0.0.1",
});

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** At the first signal. A second one ends the process at once. */
function end(): void {
  for (const name of SIGNALS) process.off(name, end);
  server.close();
  void edge.close().then(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
}

for (const name of SIGNALS) process.on(name, end);
