// `deno check`, `deno lint` and `deno fmt --check`, as people type them, in a copy of this tree: Deno changes deno.lock.
// Where JSR does not answer, the copy maps @std/testing/bdd to node:test, as scripts/test.ts does.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { copyTree } from "./pasted_clone.ts";

const JSR_BDD = "jsr:@std/testing@^1.0.0/bdd";
const JSR_MS = 5000;
const decoder = new TextDecoder();

let copy: string;

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ success: boolean; text: string }> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function jsrAnswers(): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--no-config", "--no-lock", JSR_BDD],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(JSR_MS),
  }).output();
  return success;
}

before(async () => {
  copy = await Deno.makeTempDir({ prefix: "qanat-bare-" });
  await copyTree(copy);
  if (await jsrAnswers()) return;
  const config = JSON.parse(await Deno.readTextFile(`${copy}/deno.json`));
  delete config.imports["@std/testing"];
  config.imports["@std/testing/bdd"] = "node:test";
  await Deno.writeTextFile(
    `${copy}/deno.json`,
    JSON.stringify(config, null, 2) + "\n",
  );
});

after(() => Deno.remove(copy, { recursive: true }));

describe("without a flag", () => {
  for (const args of [["check"], ["lint"], ["fmt", "--check"]]) {
    it(`deno ${args.join(" ")} passes`, async () => {
      const { success, text } = await run(Deno.execPath(), args, copy);
      assert.ok(success, text.slice(-3000));
    });
  }
});
