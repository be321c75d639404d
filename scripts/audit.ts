// `deno task audit`: looks for advisories of the packages that `deno task start` loads.
// Exit codes: 0 none, 1 found or a useless entry of the list, 2 wrong usage, 3 no advisory service has answered.
import {
  type AdvisoryService,
  osvService,
  registryService,
} from "./supply/advisory_services.ts";
import { readAllowed } from "./supply/allowed_advisories.ts";
import { audit } from "./supply/audit.ts";
import { registriesOf, startPackages } from "./supply/start_packages.ts";
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { readFlags } from "../src/settings/flags.ts";
import { terminalText } from "../src/text/terminal.ts";

const ROOT = new URL("..", import.meta.url);
const ALLOWED = "scripts/supply/allowed_advisories.json";
const OSV = "https://api.osv.dev/";
const EXIT_USAGE = 2;

const FLAGS = {
  "may-be-unreachable": {
    type: "boolean",
    help: "exit with 0 instead of 3 when no advisory service answers",
    default: false,
  },
  ...HELP_FLAG,
} as const;

const HELP: CommandHelp = {
  task: "audit",
  does:
    "Look for advisories of the packages that start loads, except those that are allowed",
  usage: ["[flags]"],
  flags: FLAGS,
  more: `Exit codes: 0 none; 1 found, or ${ALLOWED} has
an entry that is of no use; 2 wrong flags, or that file is wrong; 3 no advisory service has answered.`,
};

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(terminalText(line) + "\n"));
}

async function main(args: readonly string[]): Promise<number> {
  const flags = optionsOrExit(
    HELP,
    parsedBy(() => {
      const { values } = readFlags(args, FLAGS);
      return values.help ? "help" : values;
    }),
  );
  let allowed;
  try {
    allowed = readAllowed(await Deno.readTextFile(new URL(ALLOWED, ROOT)));
  } catch (error) {
    (error as Error).message.split("\n").forEach((fault) =>
      say(`${ALLOWED}: ${fault}`)
    );
    return EXIT_USAGE;
  }
  const packages = await startPackages(ROOT);
  const services: AdvisoryService[] = [
    ...(await registriesOf(ROOT)).map(registryService),
    osvService(OSV),
  ];
  const { lines, exitCode } = await audit({
    packages,
    services,
    allowed,
    nowMs: Date.now(),
    mayBeUnreachable: flags["may-be-unreachable"],
  });
  lines.forEach(say);
  return exitCode;
}

Deno.exit(await main(Deno.args));
