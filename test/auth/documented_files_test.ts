// The token file and the policies that docs/security.md shows are valid.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { parsePolicy } from "../../src/auth/policy.ts";
import { ReadRules } from "../../src/auth/read_rules.ts";
import { parseTokenFile } from "../../src/auth/token_file.ts";

const TEXT = Deno.readTextFileSync(
  new URL("../../docs/security.md", import.meta.url),
);
/** Blocks of JSON, without the indent of a list. */
const BLOCKS = [...TEXT.matchAll(/^( *)```json\n([\s\S]*?)^ *```$/gm)]
  .map(([, , json]) => json!);

describe("the files in docs/security.md", () => {
  it("are valid", async () => {
    const tokens = BLOCKS.filter((json) => json.includes('"tokens"'));
    const policies = BLOCKS.filter((json) => json.includes('"grants"'));
    assert.deepEqual([tokens.length, policies.length], [1, 2]);
    for (const json of tokens) {
      assert.equal((await parseTokenFile(json, new ReadRules())).size, 1);
    }
    for (const json of policies) {
      assert.ok((await parsePolicy(json, new ReadRules(), [])).size > 0);
    }
  });
});
