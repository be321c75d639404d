// `deno task edge`: bundles each program for the edge, with all its packages, into one file.
import { resolve } from "node:path";
import { askedBy, optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, LAST_FLAGS } from "../src/settings/command_help.ts";
import { readFlags } from "../src/settings/flags.ts";

const ROOT = new URL("..", import.meta.url);
const PROGRAMS = ["src/edge.ts", "src/edge_node.ts", "src/edge_worker.ts"];

const FLAGS = {
  outdir: {
    type: "string",
    unit: "DIR",
    help: "folder of the files; a relative one is in the clone",
    default: "dist",
  },
  ...LAST_FLAGS,
} as const;

const HELP: CommandHelp = {
  task: "edge",
  does:
    "Write the programs for the edge: edge_node.js for Node, edge_worker.js for workerd and Cloudflare, and edge.js",
  usage: ["[flags]"],
  flags: FLAGS,
  more: "How they are started: docs/deployment.md.",
};

const outdir = optionsOrExit(
  HELP,
  parsedBy(() => {
    const { values } = readFlags(Deno.args, FLAGS);
    return askedBy(values) ?? values.outdir;
  }),
);
const { code } = await new Deno.Command(Deno.execPath(), {
  args: [
    ..."bundle --quiet --frozen --platform browser --external node:*".split(
      " ",
    ),
    "--outdir",
    outdir,
    ...PROGRAMS,
  ],
  cwd: ROOT,
  stdin: "null",
  stdout: "inherit",
  stderr: "inherit",
}).spawn().status;
if (code === 0) {
  // Node takes .js for CommonJS otherwise.
  await Deno.writeTextFile(
    resolve(ROOT.pathname, outdir, "package.json"),
    '{"type":"module"}\n',
  );
}
Deno.exit(code);
