// `deno task bench`: `deno bench` with the packages of the tests.
// Invariant: a bench has no permissions (bench/no_permissions.ts), so a bare `deno bench` measures the same.
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { readFlags } from "../src/settings/flags.ts";

const FLAGS = {
  filter: {
    type: "string",
    unit: "TEXT",
    help: "run only benches whose name contains TEXT, or matches /TEXT/",
    preset: "all",
  },
  ...HELP_FLAG,
} as const;

const HELP: CommandHelp = {
  task: "bench",
  does: "Measure hot functions, each compared with an alternative",
  usage: ["[PATH…] [flags]"],
  args: [[
    "PATH…",
    "files, such as bench/row_bench.ts (default all of bench/)",
  ]],
  flags: FLAGS,
};

const { paths, filter } = optionsOrExit(
  HELP,
  parsedBy(() => {
    const { values, positionals } = readFlags(Deno.args, FLAGS, true);
    if (values.help) return "help";
    return { paths: positionals, filter: values.filter };
  }),
);
const { code } = await new Deno.Command(Deno.execPath(), {
  args: [
    ..."bench --no-prompt --frozen --no-check --allow-write=/dev/null".split(
      " ",
    ),
    "--lock=test/deno.lock",
    ...filter === undefined ? [] : [`--filter=${filter}`],
    ...paths.length > 0 ? paths : ["bench/"],
  ],
  cwd: new URL("..", import.meta.url),
  stdin: "null",
  stdout: "inherit",
  stderr: "inherit",
}).spawn().status;
Deno.exit(code);
