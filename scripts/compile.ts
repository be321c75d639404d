// `deno task compile`: the service as one binary, with the permissions and flags of `deno task start`.
// Not tried here: building downloads a runtime of Deno from dl.deno.land.
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { readFlags } from "../src/settings/flags.ts";
import { compileArgs } from "./release/compile_args.ts";

const ROOT = new URL("..", import.meta.url);

const FLAGS = {
  output: {
    type: "string",
    unit: "FILE",
    help: "file of the binary; a relative path is in the clone",
    default: "dist/qanat",
  },
  target: {
    type: "string",
    unit: "NAME",
    help: "kind of machine, as `deno compile --help` lists them",
    preset: "this one",
  },
  ...HELP_FLAG,
} as const;

const HELP: CommandHelp = {
  task: "compile",
  does:
    "Write the service as one binary, dist/qanat (downloads a runtime of Deno)",
  usage: ["[flags]"],
  flags: FLAGS,
};

const flags = optionsOrExit(
  HELP,
  parsedBy(() => {
    const { values } = readFlags(Deno.args, FLAGS);
    return values.help ? "help" : values;
  }),
);
const { tasks } = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", ROOT)),
) as { tasks: { start: { command: string } } };
const { code } = await new Deno.Command(Deno.execPath(), {
  args: compileArgs(tasks.start.command, flags),
  cwd: ROOT,
  stdin: "null",
}).spawn().status;
Deno.exit(code);
