// `deno task plan`: what a number of clients needs, from measured costs. It starts nothing and reads no file.
import { optionsOrExit } from "../src/settings/command.ts";
import { parseLoad, PLAN_HELP } from "./plan/load.ts";
import { planOf } from "./plan/plan.ts";
import { reportOf } from "./plan/report.ts";

const load = optionsOrExit(PLAN_HELP, parseLoad(Deno.args));
const text = reportOf(load, planOf(load)) + "\n";
Deno.stdout.writeSync(new TextEncoder().encode(text));
