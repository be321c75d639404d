// Checks the floors of src/http: which of its folders may import which.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

const HTTP = new URL("../../src/http/", import.meta.url);
/** From the lowest floor to the highest: a file imports from its own floor and from those before it. */
const FLOORS = [
  "transport",
  "limits",
  "service.ts",
  "documents",
  "routes",
  "server.ts",
];

function* files(folder: URL): Iterable<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* files(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}

/** Index of the floor of a file in src/http; -1 for a file that is on none. */
function floorOf(file: URL): number {
  const path = file.pathname.slice(HTTP.pathname.length);
  return FLOORS.indexOf(path.split("/")[0]!);
}

describe("src/http", () => {
  it("imports downwards only, and nothing of app.ts", () => {
    let imports = 0;
    for (const file of files(HTTP)) {
      const floor = floorOf(file);
      assert.ok(floor >= 0, `${file.pathname} is on no floor`);
      const text = Deno.readTextFileSync(file);
      for (const [, path] of text.matchAll(/from "(\.[^"]+)"/g)) {
        const target = new URL(path!, file);
        assert.ok(!target.pathname.endsWith("/src/app.ts"), file.pathname);
        if (!target.pathname.startsWith(HTTP.pathname)) continue;
        imports++;
        assert.ok(
          floorOf(target) <= floor,
          `${file.pathname} must not import ${path}`,
        );
      }
    }
    assert.ok(imports > 100, `${imports} imports`);
  });
});
