// Holds the first table of ARCHITECTURE.md true: which part of src/ may import which, who uses which package. No file
// of src/ reaches itself through its imports; imports of types and dynamic ones count.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  codeOf,
  modulesIn,
  specifiersIn,
  targetsIn,
} from "./source_imports.ts";

const ROOT = new URL("../", import.meta.url);
/** A dynamic import whose target is no plain string hides an arrow. */
const HIDDEN_IMPORT = /\bimport\(\s*[^\s")]/;

/** A row of the table: a folder (its path ends with `/`) or a file of src/. */
interface Part {
  readonly path: string;
  readonly mayImport: ReadonlySet<string>;
  readonly packages: readonly string[];
}

/** The words in backticks of a cell. */
function wordsIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
}

function partsOf(architecture: string): Part[] {
  const parts: Part[] = [];
  for (const line of architecture.split("\n")) {
    const [, path, , mayImport, packages] = line.split("|");
    const [name] = wordsIn(path ?? "");
    if (packages === undefined || !name?.startsWith("src/")) continue;
    parts.push({
      path: name,
      mayImport: new Set(wordsIn(mayImport!)),
      packages: wordsIn(packages),
    });
  }
  return parts;
}

const parts = partsOf(Deno.readTextFileSync(new URL("ARCHITECTURE.md", ROOT)));
const files = [...modulesIn("src/")].filter((file) =>
  !file.startsWith("src/page/lib/")
);
const texts = new Map(files.map((file) => [file, codeOf(file)]));

/** The row with the longest path that a file lies under. */
function partOf(file: string): Part {
  const [found] = parts
    .filter(({ path }) =>
      path.endsWith("/") ? file.startsWith(path) : file === path
    )
    .sort((a, b) => b.path.length - a.path.length);
  assert.ok(found, `ARCHITECTURE.md has no row for ${file}`);
  return found;
}

/** Files of src/ that a file imports. */
function targetsOf(file: string): string[] {
  return targetsIn(texts.get(file)!, file);
}

/** A circle of files, or null. */
function circle(): string[] | null {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | null => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file) || !texts.has(file)) return null;
    path.push(file);
    for (const target of targetsOf(file)) {
      const found = visit(target);
      if (found !== null) return found;
    }
    path.pop();
    done.add(file);
    return null;
  };
  for (const file of files) {
    const found = visit(file);
    if (found !== null) return found;
  }
  return null;
}

describe("imports of src/", () => {
  it("can all be read from the text", () => {
    for (const [file, text] of texts) {
      assert.ok(!HIDDEN_IMPORT.test(text), `${file} hides what it imports`);
    }
  });

  it("go where ARCHITECTURE.md allows, and it allows no more than they use", () => {
    const used = new Map(parts.map(({ path }) => [path, new Set<string>()]));
    for (const file of files) {
      const part = partOf(file);
      for (const target of targetsOf(file)) {
        if (!target.startsWith("src/")) continue;
        const { path } = partOf(target);
        if (path === part.path) continue;
        assert.ok(
          part.mayImport.has(path),
          `${file} must not import ${target}: ARCHITECTURE.md allows ${part.path} no import of ${path}`,
        );
        used.get(part.path)!.add(path);
      }
    }
    for (const { path, mayImport } of parts) {
      assert.deepEqual(
        [...mayImport].filter((name) => !used.get(path)!.has(name)),
        [],
        `ARCHITECTURE.md allows ${path} imports that nothing there uses`,
      );
    }
  });

  it("only go down: each part is listed below all that it imports", () => {
    const listed = new Set<string>();
    for (const { path, mayImport } of parts) {
      for (const name of mayImport) {
        assert.ok(listed.has(name), `${path} imports ${name}, listed below it`);
      }
      listed.add(path);
    }
  });

  it("make no circle of files", () => {
    assert.equal(circle()?.join(" → "), undefined);
  });

  it("use a package only where ARCHITECTURE.md says so", () => {
    const owned = new Set(parts.flatMap(({ packages }) => packages));
    for (const file of files) {
      const { packages, path } = partOf(file);
      for (const target of specifiersIn(texts.get(file)!)) {
        if (target.startsWith(".") || target.startsWith("node:")) continue;
        const name = target.split("/").slice(0, target[0] === "@" ? 2 : 1)
          .join("/");
        assert.ok(owned.has(name), `no part in ARCHITECTURE.md owns ${name}`);
        assert.ok(packages.includes(name), `${path} must not use ${name}`);
      }
    }
  });
});
