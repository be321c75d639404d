// Serves Qanat on Node 20 or later, without Deno: settings from variables, the address from PORT and HOST.
// Before: `deno task edge` writes dist/edge.js, and `npm install` in this folder.
import "core-js/actual/promise/with-resolvers.js";
import "core-js/proposals/array-buffer-base64.js";
import { serve } from "@hono/node-server";
import process from "node:process";

// Loaded after core-js: Node before 25 lacks what these add.
const { edge } = await import("../../dist/edge.js");
const server = serve({
  fetch: edge.fetch,
  port: Number(process.env.PORT ?? 8080),
  hostname: process.env.HOST ?? "127.0.0.1",
});

/** At the first signal; a second one ends the process at once. */
function end() {
  for (const name of ["SIGTERM", "SIGINT"]) process.off(name, end);
  server.close();
  void edge.close().then(() => server.closeAllConnections());
}

for (const name of ["SIGTERM", "SIGINT"]) process.on(name, end);
