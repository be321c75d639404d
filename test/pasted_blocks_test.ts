// Blocks in shell of the documents for users: they paste into a shell without `deno` on its path, and CI runs them or the
// document says why not.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { blocksOf, RUN } from "./pasted_blocks.ts";
import { proseFiles, readText } from "./prose.ts";

/** CONTRIBUTING.md and what is next to the code is for those who have Deno. */
const FILES = proseFiles().filter((path) =>
  /^(?:README\.md|docs\/[^/]+\.md|clients\/[^/]+\/README\.md)$/.test(path)
);
const shells = FILES.flatMap((file) => blocksOf(file))
  .filter(({ language }) => /^(?:sh|bash|console|shell)$/.test(language));
const placeOf = ({ file, line }: { file: string; line: number }) =>
  `${file}:${line}`;

describe("blocks in shell", () => {
  it("there are many", () => {
    assert.ok(shells.length > 30, `${shells.length}`);
  });

  it("start Deno by npx, unless the document says that Deno is installed", () => {
    const bare = shells.filter(({ code, notRun }) =>
      !notRun?.includes("Deno is installed") &&
      /(?<!npx -y )\bdeno (?:task|run|serve|cache|bundle|install)\b/.test(code)
    );
    assert.deepEqual(bare.map(placeOf), []);
  });

  it("calculate no date: times may be relative to now", () => {
    const dated = shells.filter(({ code }) => /\bdate [-+]/.test(code));
    assert.deepEqual(dated.map(placeOf), []);
  });

  it("are called sh, and are run by a suite, or the document says why not", () => {
    const wrong = shells.filter((block) =>
      block.language !== "sh" ||
      block.notRun === null && !RUN.some(({ file, headings }) =>
          file === block.file && headings.test(block.heading)
        )
    );
    assert.deepEqual(wrong.map(placeOf), []);
  });
});

describe("README.md", () => {
  it("has its title, one sentence, and the two commands first", () => {
    const text = readText("README.md");
    const [start, test] = blocksOf("README.md");
    assert.match(start!.code, /^npx -y deno task start\b/);
    assert.match(test!.code, /^npx -y deno task test\b/);
    const above = text.split("\n").slice(0, start!.line - 1).join("\n")
      .replace(/<!--.*?-->/g, "").replace("```sh", "").trim();
    assert.match(above, /^# Qanat\n\n[A-Z][^.#]+\.$/);
  });

  it("guarantees no latency that its table does not have", () => {
    const text = readText("README.md");
    const fast = /_Fast_:([\s\S]*?)\n- /.exec(text)![1]!;
    const measured = text.split("\n## Measured\n")[1]!;
    const figures = fast.match(/\d[\d,.]*\d ms|\d,\d+|\d+ clients/g)!;
    assert.equal(figures.length, 4);
    for (const figure of figures) assert.ok(measured.includes(figure), figure);
  });

  it("has a text for each picture", () => {
    const pictures = [...readText("README.md").matchAll(/!\[([^\]]*)\]/g)];
    assert.ok(pictures.length >= 2);
    assert.ok(pictures.every(([, text]) => text!.length > 20));
  });
});

describe("blocksOf()", () => {
  it("has indented blocks without their indent, and the heading and comments above each", () => {
    const blocks = blocksOf(
      "x.md",
      "# T\n\n<!-- runs until stopped -->\n\n```sh\na\n```\n\n## H\n\n- x\n\n" +
        "  <!-- not run: why -->\n\n  ```sh\n  b\n    c\n  ```\n\n```js\nd\n```\n",
    );
    assert.deepEqual(
      blocks.map((b) => [b.heading, b.language, b.code, b.isEndless, b.notRun]),
      [
        ["", "sh", "a\n", true, null],
        ["H", "sh", "b\n  c\n", false, "why"],
        ["H", "js", "d\n", false, null],
      ],
    );
    assert.equal(blocks[0]!.line, 6);
  });
});
