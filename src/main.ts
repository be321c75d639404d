// The process: settings, the worker that serves, standard output and standard error, signals, exit codes.
// Imports little: what serves is loaded by src/worker.ts, in a thread of its own.
import { parseConfig } from "./config.ts";
import { superviseProcess } from "./supervisor/process.ts";

superviseProcess({
  parsed: parseConfig(Deno.args, Deno.env.toObject()),
  // The path is written out here, so that tools that look for it find it.
  startWorker: () =>
    new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
});
