// `deno task plan`: what a number of clients needs, from measured costs. It starts nothing and reads no file.
import { HELP, parseLoad } from "./plan/load.ts";
import { planOf } from "./plan/plan.ts";
import { reportOf } from "./plan/report.ts";

const encoder = new TextEncoder();
const load = parseLoad(Deno.args);
if (load !== "help" && "wrong" in load) {
  Deno.stderr.writeSync(encoder.encode(load.wrong + "\n"));
  Deno.exit(2);
}
const text = load === "help" ? HELP : reportOf(load, planOf(load));
Deno.stdout.writeSync(encoder.encode(text + "\n"));
