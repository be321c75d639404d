// `deno task audit [--may-be-unreachable]`: looks for advisories of the packages that `deno task start` loads.
// Exit codes: 0 none, 1 found or a useless entry of the list, 2 wrong usage, 3 no advisory service has answered.
import {
  type AdvisoryService,
  osvService,
  registryService,
} from "./supply/advisory_services.ts";
import { readAllowed } from "./supply/allowed_advisories.ts";
import { audit } from "./supply/audit.ts";
import { registriesOf, startPackages } from "./supply/start_packages.ts";
import { terminalText } from "../src/text/terminal.ts";

const ROOT = new URL("..", import.meta.url);
const ALLOWED = "scripts/supply/allowed_advisories.json";
const OSV = "https://api.osv.dev/";
const FLAG = "--may-be-unreachable";
const EXIT_USAGE = 2;

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(terminalText(line) + "\n"));
}

async function main(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg !== FLAG)) {
    say(`deno task audit [${FLAG}]: exit 0 also when no service answers`);
    return EXIT_USAGE;
  }
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
    mayBeUnreachable: args.includes(FLAG),
  });
  lines.forEach(say);
  return exitCode;
}

Deno.exit(await main(Deno.args));
