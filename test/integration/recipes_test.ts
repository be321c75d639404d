// Runs the code blocks of the README, of docs/recipes.md and of clients/python, unchanged, in one folder, in their order.
// Invariant: only the port is replaced, where the clone is, and the token of "With a token", which runs with --auth. A block behind `<!-- runs until stopped -->` is stopped once it has said enough.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { tokenWith } from "../auth/auth_world.ts";
import { launchQanat, PARTS, type Process } from "./chain.ts";

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
const ENDLESS = "<!-- runs until stopped -->";
/** An endless recipe has shown that it works after so many lines. */
const LINES_MIN = 20;
const BOUNDED_MS = 60_000;
/** The first run of a Go program fetches and builds the Arrow library. */
const GO_MS = 400_000;
const runnable = canRun([PARTS.python, PARTS.arrakisClients, PARTS.curl]);
const hasGo = canRun([PARTS.go]);
const hasJupyter = canRun([PARTS.jupyter]);

interface Recipe {
  readonly title: string;
  readonly language: string;
  readonly code: string;
  readonly isEndless: boolean;
  readonly needsGo: boolean;
  readonly needsJupyter: boolean;
  readonly needsToken: boolean;
}

/** The blocks below the headings about a running instance. */
function recipesOf(file: string, headings: RegExp): Recipe[] {
  const text = Deno.readTextFileSync(new URL(`../../${file}`, import.meta.url));
  const recipes: Recipe[] = [];
  let heading = "";
  let before = "";
  for (const part of text.split(/^(```\w+\n[\s\S]*?^```$|^## .*$)/m)) {
    const block = /^```(\w+)\n([\s\S]*?)^```$/m.exec(part);
    if (part.startsWith("## ")) heading = part.slice(3);
    else if (!block) before = part;
    else if (headings.test(heading)) {
      const [, language, code] = block;
      recipes.push({
        title: `${file}: ${heading}: ${code!.split("\n")[0]!.slice(0, 60)}`,
        language: language!,
        code: code!,
        isEndless: before.includes(ENDLESS),
        needsGo: heading === "Go" || language === "go",
        needsJupyter: code!.includes("qanat_client.jupyter"),
        needsToken: heading === "With a token",
      });
    }
  }
  return recipes;
}

const RECIPES = [
  ...recipesOf("README.md", /^Try it/),
  // Those of "Your own topic" need a broker: topics_test.ts.
  ...recipesOf("docs/recipes.md", /^(?!Your own topic)/),
  ...recipesOf(
    "clients/python/README.md",
    /^(A range|Live|With gwpy|In a notebook)$/,
  ),
];

describe("recipes", { ignore: !runnable, skip: !runnable }, () => {
  const { token, entry } = tokenWith("reader");
  const processes: Process[] = [];
  let openOrigin: string;
  let guardedOrigin: string;
  let directory: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-recipes-" });
    const file = `${directory}/tokens.json`;
    await Deno.writeTextFile(file, JSON.stringify({ tokens: [entry] }));
    const guarded = ["--auth=tokens", `--auth-token-file=${file}`];
    [openOrigin, guardedOrigin] = await Promise.all([
      start([]),
      start(guarded),
    ]);
  });
  after(async () => {
    for (const one of processes) await one.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  async function start(settings: string[]): Promise<string> {
    const { qanat, url } = launchQanat(settings);
    processes.push(qanat);
    await qanat.answers(`${url}/readyz`);
    return url;
  }

  /** Runs a recipe; its exit code, null where it was stopped, and what it said. */
  async function run(
    { language, code, isEndless, needsGo, needsToken }: Recipe,
  ): Promise<{ code: number | null; said: string; complained: string }> {
    const origin = needsToken ? guardedOrigin : openOrigin;
    const text = code.replaceAll("http://127.0.0.1:8080", origin)
      .replaceAll("YOUR-TOKEN", token)
      .replaceAll(
        "deno task tail",
        `deno task --quiet --config ${CONFIG} tail`,
      );
    const suffix =
      { sh: ".sh", python: ".py", js: ".mjs", go: ".go" }[language];
    assert.ok(suffix, `no way to run ${language}`);
    // A browser has it; Deno takes it from the package of that name.
    const prelude = language === "js"
      ? 'import { EventSource } from "eventsource";\n'
      : "";
    const file = await Deno.makeTempFile({ dir: directory, suffix });
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
    const child = new Deno.Command(program as string, {
      args: args as string[],
      cwd: directory,
      // INIT_CWD: else `deno task` keeps that of the task which runs these tests.
      env: {
        QANAT_URL: origin,
        INIT_CWD: directory,
        PYTHONPATH: PYTHON_PACKAGE,
        ...(needsToken ? { QANAT_TOKEN: token } : {}),
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const timer = setTimeout(
      () => child.kill("SIGKILL"),
      needsGo ? GO_MS : BOUNDED_MS,
    );
    const complaint = new Response(child.stderr).text();
    let said = "";
    let isStopped = false;
    for await (
      const part of child.stdout.pipeThrough(
        new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
      )
    ) {
      said += part;
      if (isEndless && !isStopped && said.split("\n").length > LINES_MIN) {
        isStopped = true;
        // A shell's curl ends with the group of it, or at its next write.
        child.kill("SIGTERM");
        break;
      }
    }
    const status = await child.status;
    clearTimeout(timer);
    return {
      code: isStopped ? null : status.code,
      said,
      complained: await complaint,
    };
  }

  for (const recipe of RECIPES) {
    const isSkipped = recipe.needsGo && !hasGo ||
      recipe.needsJupyter && !hasJupyter;
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
      language: "python",
      code: `import polars as pl
for name in ("past.arrows", "strain.arrows"):
    table = pl.read_ipc_stream(name)
    print(table.height, sum(table.null_count().row(0)))
`,
      isEndless: false,
      needsGo: false,
      needsJupyter: false,
      needsToken: false,
    });
    assert.equal(code, 0, complained);
    // A range that begins and ends within rows includes both.
    assert.match(said, /^(16[01] 0\n){2}$/);
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
