// The process of src/main.ts, supervised in the same way, with a worker that the test can break:
// hanging_main.ts CONTROL_PORT [settings of Qanat].
import { parseConfig } from "../../src/config.ts";
import { superviseProcess } from "../../src/supervisor/process.ts";

const [controlPort, ...args] = Deno.args;
superviseProcess({
  parsed: parseConfig(args, {}),
  startWorker: () =>
    new Worker(
      new URL(`./hanging_worker.ts?port=${controlPort}`, import.meta.url),
      { type: "module" },
    ),
  startIngest: () =>
    new Worker(new URL("../../src/ingest.ts", import.meta.url), {
      type: "module",
    }),
});
