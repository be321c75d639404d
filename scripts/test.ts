// `deno task test` and `deno task check`: run `deno test` and `deno check`, and name what is skipped.
// All unit tests run two folders at a time; of several suites, two run at a time if scripts/shared_suites.ts lists both.
// Packages that only tests need are in a scope of deno.json and locked by test/deno.lock, so that a first start does
// not download them. Invariant: the exit code is that of Deno, and each skipped suite is named.
import { findOptionalParts } from "./optional_parts.ts";
import { partSuites } from "./shared_suites.ts";
import {
  type Group,
  groupsByFolder,
  type Outcome,
  runFailedAgain,
  runInLanes,
  sumOf,
  textOf,
} from "./test_lanes.ts";
import { jsrAnswers, writeImportMap } from "./test_imports.ts";
import { CHECK_HELP, TEST_FLAGS, TEST_HELP } from "./test_help.ts";
import { type Tally, tallyOf } from "./test_tally.ts";
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { readFlags } from "../src/settings/flags.ts";

const ROOT = new URL("..", import.meta.url);
const TEST_LOCK = "test/deno.lock";
/** So many processes run tests at once, where tests allow it. */
const LANES = 2;
const CHECKED = ["src", "test", "bench", "scripts", "deploy", "mod.ts"];

function say(text: string): void {
  const bytes = new TextEncoder().encode(text + "\n");
  // A pipe may take less than the output of a whole suite at once.
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

function sayOptionalParts(): void {
  for (const part of Object.values(findOptionalParts(ROOT))) {
    say(
      part.program === null
        ? `SKIPPED: ${part.suites}: no ${part.name}; get it: ${part.howToGet}`
        : `found: ${part.name}: ${part.program} (${part.suites})`,
    );
  }
}

function holdsTypeScript(path: string): boolean {
  const url = new URL(path, ROOT);
  let info;
  try {
    info = Deno.statSync(url);
  } catch {
    return false;
  }
  if (info.isFile) return path.endsWith(".ts");
  for (const entry of Deno.readDirSync(url)) {
    if (holdsTypeScript(`${path}/${entry.name}`)) return true;
  }
  return false;
}

function appendSummary(tally: Tally): void {
  const file = Deno.env.get("QANAT_TEST_SUMMARY");
  if (file === undefined || file === "") return;
  Deno.writeTextFileSync(file, JSON.stringify(tally) + "\n", { append: true });
}

async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { ...env },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).code;
}

async function main(args: readonly string[]): Promise<number> {
  const { paths, flags } = optionsOrExit(
    args.includes("--check") ? CHECK_HELP : TEST_HELP,
    parsedBy(() => {
      const { values, positionals } = readFlags(args, TEST_FLAGS, true);
      return values.help ? "help" : { paths: positionals, flags: values };
    }),
  );
  const jsr = await jsrAnswers();
  const map = ["--import-map", writeImportMap(jsr), `--lock=${TEST_LOCK}`];
  // test/deno.lock was made where JSR does not answer, so it does not hold @std/testing.
  const mayChangeLock = jsr || flags.lock;
  map.push(`--frozen=${!mayChangeLock}`);
  say(
    `tests are written with ${
      jsr
        ? "@std/testing/bdd"
        : "node:test (the registry of @std/testing does not answer)"
    }`,
  );
  if (flags.fetch || flags.lock) {
    const quiet = ["--quiet", "--no-check", "--no-run"];
    return await run(["test", ...quiet, ...map, "test"]);
  }
  if (flags.check) return await check(map, paths);
  sayOptionalParts();
  return await test(map, paths, flags.integration);
}

/** Types of TypeScript; without paths, of the page's modules, too. */
async function check(
  map: readonly string[],
  paths: readonly string[],
): Promise<number> {
  const present = (paths.length > 0 ? paths : CHECKED).filter(holdsTypeScript);
  const code = await run(["check", ...map, ...present]);
  if (code !== 0 || paths.length > 0) return code;
  // JavaScript with JSDoc types, for browsers.
  return await run([
    "check",
    "--config",
    "src/page/check.json",
    "--import-map",
    "deno.json",
    "src/page/main.js",
    "src/page/hub_worker.js",
    "src/page/loading.js",
    "clients/python/src/qanat_client/widget/live_plot.js",
  ]);
}

/** Test files at and below a path, in the order of their names. */
function testFiles(path: string): string[] {
  const url = new URL(path, ROOT);
  if (Deno.statSync(url).isFile) return [path];
  return [...Deno.readDirSync(url)]
    .filter(({ isDirectory, name }) => isDirectory || name.endsWith("_test.ts"))
    .map(({ name }) => `${path.replace(/\/$/, "")}/${name}`)
    .sort()
    .flatMap(testFiles);
}

async function test(
  map: readonly string[],
  paths: readonly string[],
  integration: boolean,
): Promise<number> {
  const outcomes: Outcome[] = [];
  if (integration) {
    const suites = (paths.length > 0 ? paths : ["test/integration"])
      .flatMap(testFiles);
    const isLong = Number(Deno.env.get("QANAT_SECONDS") || "0") >= 600;
    const { shared, alone } = partSuites(suites, isLong && paths.length === 0);
    outcomes.push(...await inLanes(map, shared));
    outcomes.push(...await oneByOne(map, alone));
  } else if (paths.length > 0) {
    outcomes.push(await here(map, paths));
  } else {
    const files = testFiles("test").filter((file) =>
      !file.startsWith("test/integration/")
    );
    outcomes.push(...await inLanes(map, groupsByFolder(files)));
  }
  const tally = sumOf(outcomes.map((outcome) => outcome.tally));
  appendSummary(tally);
  say(textOf(tally));
  return outcomes.find(({ code }) => code !== 0)?.code ?? 0;
}

async function inLanes(
  map: readonly string[],
  groups: readonly Group[],
): Promise<Outcome[]> {
  const outcomes = await runInLanes(
    groups,
    LANES,
    ({ paths, env }, { lane, isLow }) => {
      const variables = { ...env, QANAT_TEST_LANE: `${lane}` };
      const before = isLow ? ["nice", "-n", "10"] : [];
      return denoTest(
        map,
        paths,
        (args) => runQuietly(args, variables, before),
      );
    },
    say,
  );
  return await failedAgain(map, groups, outcomes);
}

/** Runs each of some suites alone. */
async function oneByOne(
  map: readonly string[],
  files: readonly string[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const file of files) outcomes.push(await here(map, [file]));
  const groups = files.map((file) => ({ name: file, paths: [file] }));
  return await failedAgain(map, groups, outcomes);
}

/** With QANAT_TEST_AGAIN=1, as in CI, what failed runs once more; `.ci/run` repeats the lines that say so. */
async function failedAgain(
  map: readonly string[],
  groups: readonly Group[],
  outcomes: Outcome[],
): Promise<Outcome[]> {
  if (Deno.env.get("QANAT_TEST_AGAIN") !== "1") return outcomes;
  return await runFailedAgain(
    groups,
    outcomes,
    async ({ name, paths, env }) => ({
      ...await here(map, paths, env),
      name,
    }),
    (text) => {
      say(text);
      Deno.mkdirSync(new URL(".qanat", ROOT), { recursive: true });
      const file = new URL(".qanat/again.txt", ROOT);
      Deno.writeTextFileSync(file, text + "\n", { append: true });
    },
  );
}

/** Runs all paths in one process, whose output is seen at once. */
async function here(
  map: readonly string[],
  paths: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { code, junit } = await denoTest(
    map,
    paths,
    async (args) => [await run(args, env), ""],
  );
  return { name: paths.join(" "), code, tally: tallyOf(junit, code === 0) };
}

/** Runs `deno test` on some paths, by `runArgs`: it returns the exit code and what was not printed. */
async function denoTest(
  map: readonly string[],
  paths: readonly string[],
  runArgs: (args: readonly string[]) => Promise<[code: number, text: string]>,
): Promise<{ code: number; junit: string; text: string }> {
  const file = await Deno.makeTempFile({ prefix: "qanat-", suffix: ".xml" });
  const args = ["test", "--no-prompt", "--no-check", "-P=test", ...map];
  const [code, text] = await runArgs([
    ...args,
    `--junit-path=${file}`,
    ...paths,
  ]);
  const junit = await Deno.readTextFile(file);
  await Deno.remove(file);
  return { code, junit, text };
}

/** Its exit code, and what it wrote to both of its outputs, in the order in which it wrote it. */
async function runQuietly(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  before: readonly string[],
): Promise<[code: number, text: string]> {
  // A file, not a pipe: a program that a suite left running would hold a pipe open.
  const file = await Deno.makeTempFile({ prefix: "qanat-", suffix: ".log" });
  const join = 'file=$1; shift; exec "$@" >"$file" 2>&1';
  const { code } = await new Deno.Command("sh", {
    args: ["-c", join, "sh", file, ...before, Deno.execPath(), ...args],
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  const text = await Deno.readTextFile(file);
  await Deno.remove(file);
  return [code, text];
}

Deno.exit(await main(Deno.args));
