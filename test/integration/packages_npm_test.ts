// What a release builds, as users get it: the packages for npm are installed in an empty folder and run by the commands
// of README.md. Invariant: only names of packages and ports are replaced, and no Deno but that of the package is used.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { run } from "../../scripts/release/folder.ts";
import { VERSION } from "../../src/telemetry/build_info.ts";
import { blocksRunBy } from "../pasted_blocks.ts";
import { freePort, PARTS, Process, sleep } from "./chain.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const TSC = `${ROOT}.qanat/release_types/node_modules/typescript/bin/tsc`;
const POLL_MS = 100;
/** The launcher looks for its parent once a second. */
const GONE_MS = 20_000;
const runnable = canRun([PARTS.npx, PARTS.node, PARTS.python]);
const [INSTALL, START, LIST, INSTALL_LIBRARY, LIBRARY] = blocksRunBy(
  "packages_npm",
).map(({ code }) => code);

describe("packages for npm", { ignore: !runnable, skip: !runnable }, () => {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  let folder: string;
  let released: string;
  let qanat: Process | null = null;

  /** A block of README.md, in the empty folder: the packages are those that were built. */
  const pasted = (block: string) =>
    run("bash", [
      "-eu",
      "-c",
      block.replace(
        /(?<=install .*)(@qanat\/|)(qanat|server|client)\b/g,
        (_, scope, name) =>
          `${folder}/built/${scope ? "qanat-" : ""}${name}-${VERSION}.tgz`,
      ),
    ], { cwd: `${folder}/empty`, env: { QANAT_URL: url } });

  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "qanat-packages-" });
    await Deno.mkdir(`${folder}/empty`);
    released = await run(Deno.execPath(), [
      ..."task --quiet release --dry-run --allow-dirty --outdir".split(" "),
      `${folder}/built`,
    ], { cwd: ROOT, env: { QANAT_PYTHON: PARTS.python.program! } });
  });
  after(async () => {
    await qanat?.stop();
    await Deno.remove(folder, { recursive: true });
  });

  it("are listed by a dry run, with the library on JSR and the package for Python", () => {
    const lines = released.split("\n").filter((line) =>
      line.startsWith("would publish ")
    );
    assert.deepEqual(
      lines.map((line) => /\((.*)\): (\w+)/.exec(line)?.slice(1)),
      [
        ["this repository", "git"],
        ["its remote `origin`", "git"],
        ["jsr.io", "deno"],
        ["npm's registry", "npm"],
        ["npm's registry", "npm"],
        ["npm's registry", "npm"],
        ["PyPI", "python3"],
      ],
    );
  });

  it("qanat serves, and lists its channels", async () => {
    await pasted(INSTALL!);
    qanat = new Process("npx qanat", "env", [
      `QANAT_PORT=${port}`,
      ...["bash", "-eu", "-c", START!],
    ], new URL(`file://${folder}/empty/`));
    await qanat.says(/Qanat is serving on/);
    const version = await (await fetch(`${url}/v1/version`)).json();
    assert.equal(version.version, VERSION);
    // Of the package, which may differ from that of this test.
    assert.match(version.runtime, /^Deno\/2\.9\.6$/);
    for (const path of ["/page/main.js", "/qanat.js", "/docs/start.js"]) {
      const { ok, body } = await fetch(url + path);
      assert.ok(ok, path);
      await body!.cancel();
    }
    assert.match(await pasted(LIST!), /H1:GWOSC-4KHZ_R1_WHITENED/);
  });

  it("qanat has each command, with the version", async () => {
    assert.equal(
      await pasted(
        "for name in start tail publish token; do node_modules/.bin/qanat $name --version; done",
      ),
      `qanat ${VERSION} (Deno/2.9.6)\n`.repeat(4),
    );
  });

  it("qanat ends with the exit code of the command", async () => {
    const wrong = new Process(
      "qanat",
      `${folder}/empty/node_modules/.bin/qanat`,
      ["--no-such-setting"],
    );
    assert.equal(await wrong.ends(), 2);
    assert.match(wrong.log, /^Unknown setting '--no-such-setting'; /);
  });

  it("@qanat/server and @qanat/client have types for a strict tsc, and run in Node", async () => {
    await pasted(INSTALL_LIBRARY!);
    const code = LIBRARY!.replace("http://127.0.0.1:8080", url);
    await Deno.writeTextFile(`${folder}/empty/library.mts`, code);
    await run("node", [
      TSC,
      ..."--strict --exactOptionalPropertyTypes --target esnext".split(" "),
      ..."--module nodenext --lib esnext,dom library.mts".split(" "),
    ], { cwd: `${folder}/empty` });
    // The stream's worker keeps Node running.
    const node = new Process(
      "library",
      "node",
      ["library.mjs"],
      new URL(`file://${folder}/empty/`),
    );
    await node.says(/\d{19}n/);
    assert.match(node.output, /channels: \[/);
    await node.stop();
  });

  it("qanat ends when npx is ended by a signal", async () => {
    await qanat!.stop();
    const endMs = Date.now() + GONE_MS;
    const isServing = () =>
      fetch(`${url}/healthz`).then(({ body }) => body!.cancel()).then(
        () => true,
        () => false,
      );
    while (await isServing()) {
      assert.ok(Date.now() < endMs, "It still serves");
      await sleep(POLL_MS);
    }
  });
});
