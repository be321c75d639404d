// Every setting is explained: by `--help`, with its default, and by docs/operating.md.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import { flagOf, variableOf } from "../../src/settings/setting_names.ts";

const parsed = parseConfig([], {});
assert.ok(parsed.kind === "config");
const names = Object.keys(parsed.config);

describe("every setting", () => {
  it("has one line in --help, and its variable on the line below", () => {
    const help = parseConfig(["--help"], {});
    assert.ok(help.kind === "help");
    const lines = help.text.split("\n");
    for (const name of names) {
      const found = lines.flatMap((line, i) =>
        line.trimStart().split(" ")[0] === flagOf(name) ? [i] : []
      );
      assert.equal(found.length, 1, flagOf(name));
      assert.equal(lines[found[0]! + 1]!.trim(), variableOf(name));
    }
  });

  it("is named in docs/operating.md, as a flag", () => {
    const docs = Deno.readTextFileSync(
      new URL("../../docs/operating.md", import.meta.url),
    );
    for (const name of names) {
      const flag = new RegExp(`${flagOf(name)}(?![\\w-])`);
      assert.match(docs, flag, `${flagOf(name)} is not in docs/operating.md`);
    }
  });
});
