// Checks the floors of src/http: which of its folders may import which.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { codeOf, modulesIn, targetsIn } from "../source_imports.ts";

const HTTP = "src/http/";
/** From the lowest floor to the highest: a file imports from its own floor and from those before it. */
const FLOORS = [
  "transport",
  "limits",
  "service.ts",
  "documents",
  "routes",
  "listener.ts",
  "operator_server.ts",
  "server.ts",
];

/** Index of the floor of a file in src/http; -1 for a file that is on none. */
function floorOf(file: string): number {
  return FLOORS.indexOf(file.slice(HTTP.length).split("/")[0]!);
}

describe("src/http", () => {
  it("imports downwards only, and nothing of app.ts", () => {
    let imports = 0;
    for (const file of modulesIn(HTTP)) {
      const floor = floorOf(file);
      assert.ok(floor >= 0, `${file} is on no floor`);
      for (const target of targetsIn(codeOf(file), file)) {
        assert.notEqual(target, "src/app.ts", file);
        if (!target.startsWith(HTTP)) continue;
        imports++;
        assert.ok(
          floorOf(target) <= floor,
          `${file} must not import ${target}`,
        );
      }
    }
    assert.ok(imports > 100, `${imports} imports`);
  });
});
