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
    assert.ok(help.kind === "text");
    const lines = help.text.split("\n");
    for (const name of names) {
      const found = lines.flatMap((line, i) =>
        line.trimStart().split(" ")[0] === flagOf(name) ? [i] : []
      );
      assert.equal(found.length, 1, flagOf(name));
      assert.equal(lines[found[0]! + 1]!.trim(), variableOf(name));
    }
  });

  it("has its row of --help in the table of docs/operating.md, in the same order", () => {
    const help = parseConfig(["--help"], {});
    assert.ok(help.kind === "text");
    const inHelp = help.text.split("\n").flatMap((line) => {
      const found =
        /^ {2}(--[a-z-]+)(?: (\S+))? +(\S.*?)(?: \(default ([^()]*)\))?$/.exec(
          line,
        );
      if (found === null || found[1] === "--version") return [];
      const [, flag, unit = "", meaning, preset = ""] = found;
      return [[`\`${flag}\``, code(unit), preset, meaning]];
    });
    assert.equal(inHelp.length, names.length);
    assert.deepEqual(rowsOf("All settings"), inHelp);
  });
});

function code(unit: string): string {
  return unit === "" ? "" : `\`${unit.replaceAll("|", ", ")}\``;
}

/** Cells of the rows below a heading of docs/operating.md whose first cell is a flag. */
function rowsOf(heading: string): string[][] {
  const docs = Deno.readTextFileSync(
    new URL("../../docs/operating.md", import.meta.url),
  );
  const section = docs.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section.split("\n").filter((line) => line.startsWith("| `--"))
    .map((line) =>
      line.slice(1, -1).split("|").map((cell) =>
        cell.trim().replaceAll("\\", "")
      )
    );
}
