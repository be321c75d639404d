// jose is loaded by `--auth jwt` alone: no module that every instance loads imports it, or what imports it.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { codeOf, targetsIn } from "../../source_imports.ts";

/** Without dynamic imports. */
function staticTargets(file: string): string[] {
  return targetsIn(codeOf(file).replaceAll(/\bimport\(/g, "later("), file);
}

describe("src/worker.ts", () => {
  it("does not load jose before the settings ask for it", () => {
    const loaded = new Set(["src/worker.ts"]);
    for (const file of loaded) {
      for (const target of staticTargets(file)) loaded.add(target);
    }
    assert.ok(loaded.has("src/auth/access_of.ts"));
    const users = [...loaded].filter((file) =>
      file.endsWith(".ts") && /from "jose"/.test(codeOf(file))
    );
    assert.deepEqual(users, []);
  });
});
