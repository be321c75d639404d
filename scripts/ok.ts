// `deno task ok`: what must pass before a commit, in the order of the time that it takes.
import { helpOrExit } from "../src/settings/command.ts";
import { HELP_FLAG } from "../src/settings/command_help.ts";

/** Its types need the packages of Grafana, so deno.json leaves it out of `deno check`, and with that of all commands. */
const PLUGIN = ["src", "build.mjs"].map((n) => `deploy/grafana/plugin/${n}`);
const STEPS = [
  ["fmt", "--check"],
  ["fmt", "--check", "--no-config", ...PLUGIN],
  ["lint"],
  ["lint", "--no-config", ...PLUGIN],
  ["task", "check"],
  ["task", "test"],
];

helpOrExit({
  task: "ok",
  does: "Check what must pass before a commit: format, lint, types, tests",
  usage: [""],
  flags: HELP_FLAG,
  more: `It runs, until one fails: deno fmt --check and deno lint (each once
more for Grafana's data source), deno task check, deno task test.`,
}, Deno.args);
for (const args of STEPS) {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: new URL("..", import.meta.url),
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
