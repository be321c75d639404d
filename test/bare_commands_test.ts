// What people type out of habit works without a flag, or names the task to use.
// `deno bench` has no permissions: every bench must do without, since Deno refuses a bare `deno bench` where deno.json
// has `bench.permissions`. `deno check` is tried in test/integration/bare_commands_test.ts.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

const ROOT = new URL("..", import.meta.url);
const BENCHES = [...Deno.readDirSync(new URL("bench/", ROOT))]
  .map(({ name }) => name).filter((name) => name.endsWith("_bench.ts")).sort();

/** A program that registers the benches of a file and calls each of them once. */
function callerOf(name: string): string {
  return `
const benches = [];
Deno.bench = (name, ...rest) => benches.push({ name, fn: rest.at(-1) });
await import(${JSON.stringify(new URL(`bench/${name}`, ROOT).href)});
for (const { fn } of benches) await fn({ start() {}, end() {} });
console.log(benches.length);
Deno.exit();
`;
}

describe("deno test", () => {
  it("names the task to use, and fails", async () => {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check"],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assert.ok(!success);
    const text = new TextDecoder().decode(stdout);
    assert.match(text, /^error: Error: use `deno task test` \(/m);
    assert.match(text, /0 passed \| 1 failed/);
  });
});

describe("deno bench", () => {
  for (const name of BENCHES) {
    it(`runs ${name} without permissions`, async () => {
      const file = await Deno.makeTempFile({ suffix: ".js" });
      await Deno.writeTextFile(file, callerOf(name));
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-prompt",
          "--no-check",
          "--lock=test/deno.lock",
          `--config=${new URL("deno.json", ROOT).pathname}`,
          file,
        ],
        cwd: ROOT,
        stdin: "null",
      }).output();
      await Deno.remove(file);
      const text = new TextDecoder();
      assert.ok(
        Number(text.decode(stdout).trim().split("\n").at(-1)) > 0,
        text.decode(stderr),
      );
    });
  }
});
