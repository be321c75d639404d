// What a first start fetches: the lock that `deno task` reads holds no package of the tests, and both locks agree.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";

interface Lock {
  specifiers: Record<string, string>;
  npm: Record<string, { integrity: string }>;
}

const ROOT = new URL("..", import.meta.url);
const json = (path: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(path, ROOT)));
const importsOf = (path: string): [string, string][] =>
  Object.entries(json(path).imports);
/** `npm:/name@1.2.3/` and `npm:name@1.2.3` are one package. */
const packageOf = (target: string) => target.replace(/^npm:\/?(.*?)\/?$/, "$1");

/** The packages, by name, that the modules of a folder import. */
function importedBy(folder: URL, names = new Set<string>()): Set<string> {
  for (const entry of Deno.readDirSync(folder)) {
    if (entry.isDirectory) {
      importedBy(new URL(`${entry.name}/`, folder), names);
    } else if (/\.(ts|js)$/.test(entry.name)) {
      const text = Deno.readTextFileSync(new URL(entry.name, folder));
      for (
        const [, target] of text.matchAll(
          /(?:from |import\()\s*"([^".]+[^"]*)"/g,
        )
      ) {
        names.add(target!.match(/^(@[^/]+\/)?[^/]+/)![0]);
      }
    }
  }
  return names;
}

describe("packages", () => {
  const lock = json("deno.lock") as Lock;
  const testLock = json("test/deno.lock") as Lock;

  it("deno.lock holds what deno.json names, and nothing that only tests need", () => {
    const named = importsOf("deno.json").map(([, target]) => target)
      .filter((target) => target.startsWith("npm:")).map(packageOf);
    const locked = Object.keys(lock.specifiers)
      .filter((name) => name.startsWith("npm:")).map(packageOf);
    assert.deepEqual(locked.sort(), [...new Set(named)].sort());
    for (const [name] of importsOf("test/packages.json")) {
      const bare = name.replace(/\/$/, "");
      const found = Object.keys(lock.npm).filter((key) =>
        key.startsWith(`${bare}@`)
      );
      assert.deepEqual(found, []);
    }
  });

  it("deno.json names what src/ imports, and nothing that only benches or scripts would", () => {
    const imported = importedBy(new URL("src/", ROOT));
    for (const [name] of importsOf("deno.json")) {
      // Of JSR, not of npm, and fetched by the tests alone.
      if (name.startsWith("@std/testing")) continue;
      assert.ok(imported.has(name.replace(/\/$/, "")), name);
    }
  });

  it("the tests run with the very packages that the service runs with", () => {
    for (const [name, { integrity }] of Object.entries(lock.npm)) {
      assert.equal(testLock.npm[name]?.integrity, integrity, name);
    }
  });

  it("the worker is cached wherever the program that starts it is", () => {
    for (const file of ["Dockerfile", ".ci/run"]) {
      const text = Deno.readTextFileSync(new URL(file, ROOT));
      const lines = text.split("\n").filter((line) =>
        /deno (cache|install) .*src\/main\.ts/.test(line)
      );
      assert.equal(lines.length, 1, file);
      assert.match(lines[0]!, /src\/worker\.ts/, file);
    }
  });

  it("every package of the tests has an exact version, locked", () => {
    for (const [name, target] of importsOf("test/packages.json")) {
      assert.match(packageOf(target), /@\d+\.\d+\.\d+$/, name);
      assert.ok(`npm:${packageOf(target)}` in testLock.specifiers, name);
    }
  });
});
