// The process of src/main.ts, supervised in the same way, with threads that the test can break:
// hanging_main.ts CONTROL_PORTS [settings of Qanat]. Each worker has a port, by its number; the last one is that of the
// reading thread.
import { parseConfig } from "../../src/config.ts";
import { superviseProcess } from "../../src/supervisor/process.ts";

const [controlPorts, ...args] = Deno.args;
const ports = controlPorts!.split(",");

function started(module: string, port: string): Worker {
  const url = new URL(`./${module}?port=${port}`, import.meta.url);
  return new Worker(url, { type: "module" });
}

superviseProcess({
  parsed: parseConfig(args, {}),
  startWorker: (_, number) => started("hanging_worker.ts", ports[number]!),
  startIngest: () => started("hanging_ingest.ts", ports.at(-1)!),
});
