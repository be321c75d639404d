// Runs the code blocks of the README, of docs/recipes.md and of other documents (test/pasted_blocks.ts), in their order, in
// a clone and in a shell without `deno` on its path.
// Invariant: only the port is replaced, and the token of "With a token", which runs with --auth. A block finds no file of
// another block, except those that its first line names (`# needs past.arrows: …`).
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { tokenWith } from "../auth/auth_world.ts";
import { type Block, blocksRunBy } from "../pasted_blocks.ts";
import { launchQanat, PARTS, type Process } from "./chain.ts";
import { type PastedClone, pastedClone } from "./pasted_clone.ts";
import { PastedProcess } from "./pasted_process.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
/** The packages of the tests, as an import map of their own. */
const PACKAGES = `data:application/json,${
  encodeURIComponent(JSON.stringify({
    imports: JSON.parse(Deno.readTextFileSync(CONFIG)).scopes["./test/"],
  }))
}`;
const LOCK = new URL("../deno.lock", import.meta.url).pathname;
const PYTHON_PACKAGE =
  new URL("../../clients/python/src", import.meta.url).pathname;
/** An endless recipe has shown that it works after so many lines. */
const LINES_MIN = 20;
const BOUNDED_MS = 60_000;
/** The first run of a Go program fetches and builds the Arrow library. */
const GO_MS = 400_000;
const runnable = canRun([
  PARTS.python,
  PARTS.arrakisClients,
  PARTS.curl,
  PARTS.npx,
  PARTS.jq,
]);
const hasGo = canRun([PARTS.go]);
const hasJupyter = canRun([PARTS.jupyter]);

/** The line with which a block names the files of other blocks that it reads. */
const NEEDS = /^(?:#|\/\/) needs ([^:\n]+):/;

interface Recipe
  extends Pick<Block, "language" | "code" | "isEndless" | "heading"> {
  readonly title: string;
}

const RECIPES: readonly Recipe[] = blocksRunBy("recipes").map((block) => ({
  ...block,
  title: `${block.file}: ${block.heading}: ${
    block.code.split("\n")[0]!.slice(0, 60)
  }`,
}));

const needsGo = ({ heading, language }: Recipe) =>
  heading === "Go" || language === "go";
const needsToken = ({ heading }: Recipe) => heading === "With a token";
const needsJupyter = ({ code }: Recipe) =>
  code.includes("qanat_client.jupyter");

describe("recipes", { ignore: !runnable, skip: !runnable }, () => {
  const { token, entry } = tokenWith("reader");
  const processes: Process[] = [];
  let openOrigin: string;
  let guardedOrigin: string;
  let directory: string;
  let clone: PastedClone;
  /** What the clone holds without the files of blocks. */
  let own: ReadonlySet<string>;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-recipes-" });
    await Deno.mkdir(`${directory}/made`);
    clone = await pastedClone();
    own = new Set(namesIn(clone.folder));
    const file = `${directory}/tokens.json`;
    await Deno.writeTextFile(file, JSON.stringify({ tokens: [entry] }));
    const guarded = ["--auth=tokens", `--auth-token-file=${file}`];
    [openOrigin, guardedOrigin] = await Promise.all([
      start([]),
      start(guarded),
    ]);
  });
  after(async () => {
    await Promise.all(processes.map((one) => one.stop()));
    if (clone) await clone.remove();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  /** Brings the files that a block needs into the clone. */
  function bring(code: string): void {
    const needed = NEEDS.exec(code)?.[1]?.split(/, | and /) ?? [];
    for (const name of needed) {
      Deno.renameSync(`${directory}/made/${name}`, `${clone.folder}/${name}`);
    }
  }

  /** Takes the files of blocks out of the clone. */
  function takeAway(): void {
    for (const name of namesIn(clone.folder)) {
      if (own.has(name)) continue;
      Deno.renameSync(`${clone.folder}/${name}`, `${directory}/made/${name}`);
    }
  }

  async function start(settings: string[]): Promise<string> {
    const { qanat, url } = launchQanat(settings);
    processes.push(qanat);
    await qanat.answers(`${url}/readyz`);
    return url;
  }

  /** Runs a recipe; its exit code, null where it was stopped, and what it said. */
  async function run(
    recipe: Recipe,
  ): Promise<{ code: number | null; said: string; complained: string }> {
    bring(recipe.code);
    try {
      return await runHere(recipe);
    } finally {
      takeAway();
    }
  }

  async function runHere(recipe: Recipe) {
    const { language, code, isEndless } = recipe;
    const origin = needsToken(recipe) ? guardedOrigin : openOrigin;
    const text = code.replaceAll("http://127.0.0.1:8080", origin)
      .replaceAll("YOUR-TOKEN", token);
    const suffix =
      { sh: ".sh", python: ".py", js: ".mjs", go: ".go" }[language];
    assert.ok(suffix, `no way to run ${language}`);
    // A browser has it; Deno takes it from the package of that name.
    const prelude = language === "js"
      ? 'import { EventSource } from "eventsource";\n'
      : "";
    // A Go program belongs to the module of its folder.
    const dir = language === "go" ? clone.folder : directory;
    const file = await Deno.makeTempFile({ dir, suffix });
    await Deno.writeTextFile(file, prelude + text);
    const [program, args] = language === "sh"
      ? ["bash", ["-eu", file]]
      : language === "python"
      ? [PARTS.python.program!, [file]]
      : language === "go"
      ? [PARTS.go.program!, ["run", file]]
      : [
        Deno.execPath(),
        [
          "run",
          "--no-prompt",
          "--allow-net",
          "--no-config",
          `--import-map=${PACKAGES}`,
          `--lock=${LOCK}`,
          "--frozen",
          file,
        ],
      ];
    const child = new PastedProcess(program as string, args as string[], {
      cwd: clone.folder,
      // INIT_CWD: else `deno task` keeps that of the task which runs these tests.
      env: {
        PATH: clone.path,
        QANAT_URL: origin,
        INIT_CWD: clone.folder,
        PYTHONPATH: PYTHON_PACKAGE,
        ...(needsToken(recipe) ? { QANAT_TOKEN: token } : {}),
      },
    });
    const waitMs = needsGo(recipe) ? GO_MS : BOUNDED_MS;
    try {
      const code = isEndless ? null : await child.ends(waitMs);
      const isShown = () => child.out.split("\n").length > LINES_MIN;
      if (isEndless) await child.until(isShown, waitMs);
      return { code, said: child.out, complained: child.complaints };
    } finally {
      await child.stop();
    }
  }

  for (const recipe of RECIPES) {
    const isSkipped = needsGo(recipe) && !hasGo ||
      needsJupyter(recipe) && !hasJupyter;
    it(recipe.title, { ignore: isSkipped, skip: isSkipped }, async () => {
      const { code, said, complained } = await run(recipe);
      assert.equal(code, recipe.isEndless ? null : 0, complained);
      assert.doesNotMatch(said, /"status":[45]/, said);
      assert.ok(!(said + complained).includes(token));
    });
  }

  it("the history that they read is complete: ten seconds of rows, no nulls", async () => {
    const { said, code, complained } = await run({
      title: "",
      heading: "",
      language: "python",
      code: `# needs past.arrows and strain.arrows: curl
import polars as pl
for name in ("past.arrows", "strain.arrows"):
    table = pl.read_ipc_stream(name)
    print(table.height, sum(table.null_count().row(0)))
`,
      isEndless: false,
    });
    assert.equal(code, 0, complained);
    // A range that begins and ends within rows includes both.
    assert.match(said, /^(16[01] 0\n){2}$/);
  });

  it("run where `deno` is no command, and npx finds it", async () => {
    const { code, said, complained } = await run({
      title: "",
      heading: "",
      language: "sh",
      code: "! command -v deno && npx -y deno --version",
      isEndless: false,
    });
    assert.equal(code, 0, complained);
    assert.match(said, /^deno \d/m);
  });

  it("there are recipes for each client by name", () => {
    const all = RECIPES.map((r) => r.code).join("\n");
    for (
      const name of [
        "curl",
        "pyarrow",
        "polars",
        "duckdb",
        "EventSource",
        "arrow-go",
        "deno task tail",
      ]
    ) {
      assert.ok(all.includes(name), name);
    }
  });
});

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name);
}
