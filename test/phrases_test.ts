// Checks that no text for people uses a phrase of `phrases.ts`.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { PHRASES, phrasesIn } from "./phrases.ts";
import { proseFiles, proseOf } from "./prose.ts";

/** These files contain the phrases themselves. */
const EXEMPT = new Set(["test/phrases.ts", "test/phrases_test.ts"]);

describe("text for people", () => {
  it("has no phrase of the list", () => {
    const found = proseFiles().filter((path) => !EXEMPT.has(path))
      .flatMap((path) => phrasesIn(path));
    assert.deepEqual(found, [], "write these in plain words");
  });
});

describe("phrasesIn()", () => {
  // The left column of the list of phrases with which this project began to write in plain English.
  const FORMER = [
    "to try it with nothing else",
    "what a client will not get is told as a gap",
    "is released when that write has left and never earlier",
    "reading is node's but for a stream's end",
    "whoever is refused or turns back leaves nothing taken",
    "its place is free at once, all else in time",
    "who is behind by little pays for nobody who has stalled",
    "nothing is called late after an outage",
    "whoever asks gets what packing spares",
    "clients are given at a stop",
  ];

  it("finds each of them in Markdown, in comments and in strings", () => {
    for (const phrase of FORMER) {
      for (
        const [path, source] of [
          ["a.md", `# Title\n\nA row: ${phrase.replace(" ", "\n")}.\n`],
          ["a.ts", `const a = 1; // ${phrase}\n`],
          ["b.ts", `/**\n * It says:\n * ${phrase}. */\n`],
          ["c.ts", `const a = "${phrase}";\n`],
          ["d.ts", `const a = \`x\n${phrase} \${1}\`;\n`],
          ["a.yaml", `# ${phrase}\na: 1\n`],
        ] as const
      ) {
        assert.notDeepEqual(phrasesIn(path, source), [], `${path}: ${phrase}`);
      }
    }
  });

  it("leaves out code", () => {
    assert.deepEqual(phrasesIn("a.md", "`told`\n\n```\ntold\n```\n"), []);
    assert.deepEqual(phrasesIn("a.ts", "const told = /told/; told();\n"), []);
  });

  it("reads a file of this repository in full", () => {
    assert.ok(PHRASES.length >= 30);
    assert.ok(proseFiles().length > 300);
    assert.ok(proseOf("README.md").length > 30);
  });
});
