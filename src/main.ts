// The main program: reads the settings and supervises the worker that serves (src/worker.ts).
// It imports little: the worker loads everything that serves, in its own thread.
import { parseConfig } from "./config.ts";
import { superviseProcess } from "./supervisor/process.ts";

superviseProcess({
  parsed: parseConfig(Deno.args, Deno.env.toObject()),
  // Literal paths, so that bundlers and `deno cache` find them.
  startWorker: (permissions) =>
    new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      deno: { permissions },
    }),
  startIngest: (permissions) =>
    new Worker(new URL("./ingest.ts", import.meta.url), {
      type: "module",
      deno: { permissions },
    }),
});
