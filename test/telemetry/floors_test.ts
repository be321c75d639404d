// Telemetry has two floors (docs/decisions/0037): all folders use the lower one, so it must not import from them.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

const FOLDER = new URL("../../src/telemetry/", import.meta.url);

describe("the files directly in src/telemetry", () => {
  it("import from each other and from src/text only", () => {
    for (const { name, isFile } of Deno.readDirSync(FOLDER)) {
      if (!isFile) continue;
      const text = Deno.readTextFileSync(new URL(name, FOLDER));
      for (const [, target] of text.matchAll(/from "(\.[^"]+)"/g)) {
        assert.match(
          target!,
          /^\.\/\w+\.ts$|^\.\.\/text\/|^\.\.\/\.\.\/deno\.json$/,
          `${name} imports ${target}`,
        );
      }
    }
  });
});
