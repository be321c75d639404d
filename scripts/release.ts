// `deno task release`: checks that this commit can be released, builds all packages, and publishes them.
// Invariant: nothing is published when a check has failed, or with --dry-run.
import { resolve } from "node:path";
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { readFlags } from "../src/settings/flags.ts";
import { run } from "./release/folder.ts";
import { grafanaPluginZip } from "./release/grafana_plugin.ts";
import { buildNpmPackages, packed } from "./release/npm_packages.ts";
import { publishSteps, type Step } from "./release/publish_steps.ts";
import { versionFaults, versionOf } from "./release/versions.ts";

const ROOT = new URL("..", import.meta.url);

const FLAGS = {
  "dry-run": {
    type: "boolean",
    help: "check and build, and only list what would be published",
  },
  outdir: {
    type: "string",
    unit: "DIR",
    help: "folder of the packages; a relative one is in the clone",
    default: "dist/release",
  },
  image: {
    type: "string",
    unit: "NAME",
    help: "also build and push the image NAME:VERSION, with docker",
  },
  "allow-dirty": {
    type: "boolean",
    help: "with --dry-run: take files that are not committed, too",
  },
  ...HELP_FLAG,
} as const;

const HELP: CommandHelp = {
  task: "release",
  does:
    "Check this commit, build its packages and publish them; --dry-run publishes nothing",
  usage: ["--dry-run [flags]", "[flags]"],
  flags: FLAGS,
  more:
    "It needs node, npm, git and Python with pip and twine; you must be signed in to the registries.",
};

const flags = optionsOrExit(
  HELP,
  parsedBy(() => {
    const { values } = readFlags(Deno.args, FLAGS);
    return values.help ? "help" : values;
  }),
);
const isDry = flags["dry-run"] ?? false;
const isDirtyAllowed = isDry && (flags["allow-dirty"] ?? false);
const outdir = resolve(ROOT.pathname, flags.outdir);

/** A file of the repository; null if there is none. */
function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(path, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const inRoot = (program: string, ...args: string[]) =>
  run(program, args, { cwd: ROOT });

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/** What forbids a release of this commit. */
async function faultsOf(version: string): Promise<string[]> {
  const faults = versionFaults(read);
  const changed = await inRoot("git", "status", "--porcelain");
  if (changed !== "" && !isDirtyAllowed) {
    faults.push(`These files are not committed:\n${changed.trimEnd()}`);
  }
  const tag = await inRoot("git", "tag", "--list", `v${version}`);
  if (tag !== "") faults.push(`The tag v${version} exists: raise the version`);
  return faults;
}

const python = () => Deno.env.get("QANAT_PYTHON") ?? "python3";

async function wheelIn(folder: string): Promise<string> {
  await inRoot(
    python(),
    ..."-m pip wheel --quiet --no-deps --wheel-dir".split(" "),
    folder,
    "clients/python",
  );
  const [wheel] = [...Deno.readDirSync(folder)];
  return `${folder}/${wheel!.name}`;
}

/** Builds everything in `outdir`, and returns how to publish it. */
async function build(version: string): Promise<Step[]> {
  await Deno.remove(outdir, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${outdir}/npm`, { recursive: true });
  const deno = Deno.execPath();
  const sbom = await inRoot(deno, "task", "--quiet", "sbom");
  await Deno.writeTextFile(`${outdir}/qanat.cdx.json`, sbom);
  const npm: string[] = [];
  for (const folder of await buildNpmPackages(`${outdir}/npm`, sbom)) {
    npm.push(await packed(folder, outdir));
  }
  const wheel = await wheelIn(`${outdir}/python`);
  // No command publishes it: Grafana's catalogue takes archives by hand, and signs them.
  await grafanaPluginZip({ into: outdir, python: python(), version });
  await inRoot(deno, "doc", "--lint", "mod.ts");
  // `deno task check` has checked the types; whether the public ones are fast is checked here, too.
  await inRoot(
    deno,
    ..."publish --dry-run --no-check".split(" "),
    ...(isDirtyAllowed ? ["--allow-dirty"] : []),
  );
  const revision = (await inRoot("git", "rev-parse", "--short", "HEAD")).trim();
  const image = flags.image ?? null;
  return publishSteps({ version, revision, npm, wheel, image });
}

async function publish(steps: readonly Step[]): Promise<void> {
  for (const { what, where, command } of steps) {
    print(`publishing ${what}: ${where}`);
    const [program, ...args] = command;
    const { success } = await new Deno.Command(program!, {
      args,
      cwd: ROOT,
    }).spawn().status;
    if (!success) throw new Error(`${command.join(" ")} failed`);
  }
}

async function main(): Promise<number> {
  const version = versionOf(read);
  const faults = await faultsOf(version);
  if (faults.length > 0) {
    for (const fault of faults) print(`NOT READY: ${fault}`);
    return 1;
  }
  const steps = await build(version);
  for (const { name } of Deno.readDirSync(outdir)) {
    print(`built ${outdir}/${name}`);
  }
  if (isDry) {
    for (const { what, where, command } of steps) {
      print(`would publish ${what} (${where}): ${command.join(" ")}`);
    }
    return 0;
  }
  await publish(steps);
  return 0;
}

Deno.exit(await main());
