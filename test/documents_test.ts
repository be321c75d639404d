// Checks that what documents and comments refer to exists: decision records, files, headings; and the form of the records.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { commentsOf, proseFiles, readText } from "./prose.ts";

const ROOT = new URL("../", import.meta.url);
const RECORDS = "docs/decisions/";
const SECTIONS = ["Context", "Choice", "Consequence"];

const records = [...Deno.readDirSync(new URL(RECORDS, ROOT))]
  .map(({ name }) => name).sort();
const numbers = records.map((name) => Number(name.slice(0, 4)));
const files = proseFiles();
const markdown = files.filter((path) => path.endsWith(".md"));

function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(path, ROOT));
    return true;
  } catch {
    return false;
  }
}

/** The anchors of a document's headings, as GitHub and most readers of Markdown make them. */
function anchorsOf(path: string): Set<string> {
  const text = readText(path).replace(/^```[\s\S]*?^```/gm, "");
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(
        " ",
        "-",
      )
    ),
  );
}

/** Where a path that is named in a text may begin: at the root, in `docs/`, in `src/`, or next to the text. */
function isFile(named: string, path: string): boolean {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return ["", "docs/", "src/", folder].some((base) => exists(base + named));
}

describe("decision records", () => {
  it("have numbers without gaps", () => {
    const last = Math.max(...numbers);
    const missing = Array.from({ length: last }, (_, index) => index + 1)
      .filter((number) => !numbers.includes(number));
    assert.deepEqual(missing, []);
    assert.equal(new Set(numbers).size, numbers.length, "a number is twice");
  });

  for (const name of records) {
    it(`${name} has its number, a title and the three sections`, () => {
      const text = readText(RECORDS + name);
      assert.match(text, new RegExp(`^# ${name.slice(0, 4)}: [^a-z]`));
      assert.deepEqual(
        [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title),
        SECTIONS,
      );
    });
  }
});

describe("references", () => {
  it("to decision records name one that exists", () => {
    const dead: string[] = [];
    for (const path of files) {
      const pattern = path.startsWith(RECORDS)
        ? /(?:decisions?[ /]|\()(00\d\d)\b/g
        : /decisions?[ /](00\d\d)\b/g;
      for (const [, number] of readText(path).matchAll(pattern)) {
        if (!numbers.includes(Number(number))) dead.push(`${path}: ${number}`);
      }
    }
    assert.deepEqual(dead, []);
  });

  it("of links in Markdown lead to a file and a heading", () => {
    const dead: string[] = [];
    for (const path of markdown) {
      const text = readText(path).replace(/^```[\s\S]*?^```/gm, "");
      const folder = path.slice(0, path.lastIndexOf("/") + 1);
      for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target!)) continue;
        const [file, anchor] = target!.split("#");
        const named = file === ""
          ? path
          : new URL(file!, new URL(folder, "file:///")).pathname.slice(1);
        if (!exists(named)) dead.push(`${path}: ${target}`);
        else if (anchor && !anchorsOf(named).has(anchor)) {
          dead.push(`${path}: ${target}`);
        }
      }
    }
    assert.deepEqual(dead, []);
  });

  it("to files in Markdown and comments name one that exists", () => {
    const dead: string[] = [];
    const look = (text: string, path: string) => {
      const pattern =
        /(?<![\w/.*-])((?:(?:src|test|docs|deploy|bench|scripts|fixtures)\/)?(?:[\w-]+\/)*[\w.-]+\.(?:ts|js|md|py|yaml|json|conf|sh|go))\b(?![\w/*])/g;
      for (const [, named] of text.matchAll(pattern)) {
        const isOurs =
          /^(?:src|test|docs|deploy|bench|scripts|fixtures)\/|\.md$/.test(
            named!,
          ) || (named!.includes("/") && path.endsWith(".md"));
        // `deno task edge` writes it.
        if (named!.startsWith("dist/")) continue;
        if (isOurs && !isFile(named!, path)) dead.push(`${path}: ${named}`);
      }
    };
    for (const path of markdown) {
      for (const [, code] of readText(path).matchAll(/`([^`\n]+)`/g)) {
        if (!/^https?:|^\/|^npm:/.test(code!)) look(code!, path);
      }
    }
    for (const path of files) {
      for (const { text } of commentsOf(path)) look(text, path);
    }
    assert.deepEqual(dead, []);
  });

  it("to a heading in quotes name one of that document", () => {
    const dead: string[] = [];
    const pattern =
      /"([^"\n]{3,60})"\s+(?:in|of)\s+`?((?:docs\/)?[\w-]+\.md)|([\w/-]+\.md)`?,\s+"([^"\n]{3,60})"/g;
    for (const path of files) {
      const texts = path.endsWith(".md")
        ? [readText(path)]
        : commentsOf(path).map(({ text }) => text);
      for (const text of texts) {
        for (const match of text.matchAll(pattern)) {
          const title = (match[1] ?? match[4])!.replace(/\s+/g, " ");
          const named = (match[2] ?? match[3])!;
          const file = exists(named) ? named : `docs/${named}`;
          const headings = exists(file) ? readText(file) : "";
          if (!headings.includes(`# ${title}\n`)) {
            dead.push(`${path}: "${title}" of ${named}`);
          }
        }
      }
    }
    assert.deepEqual(dead, []);
  });
});

describe("docs/operating.md", () => {
  it("has a first step for each alert of the rules", () => {
    const section = readText("docs/operating.md")
      .split("\n## An alert fires\n")[1]!.split("\n## ")[0]!;
    const steps = [...section.matchAll(/^\| `(Qanat\w+)` +\| \S/gm)];
    const alerts = readText("deploy/prometheus/alerts.yaml")
      .matchAll(/^ +- alert: (\w+)$/gm);
    assert.deepEqual(
      steps.map(([, name]) => name).sort(),
      [...alerts].map(([, name]) => name).sort(),
    );
  });
});
