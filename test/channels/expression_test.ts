// Expressions are bounded before they are compiled, and match the same names as the library.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import {
  BadExpressionError,
  Expression,
  PROGRAM_SIZE_MAX,
} from "../../src/channels/expression.ts";
import { programSizeMax } from "../../src/channels/expression_size.ts";
import { PART_STEPS_MAX } from "../../src/channels/sliced_work.ts";

const EXPRESSIONS = 4000;
const ATOMS = [
  ..."a.^$H{",
  "H1:",
  "[a-z]",
  "\\d",
  "\\pL",
  "\\p{Greek}",
  "(?i)",
  "\\x{1F600}",
  "\\x41",
  "[^\\pL\\pN]",
  "[[:alpha:]]",
  "[]a]",
  "[^]a]",
  "\\Q(*{3}\\E",
  "\\Qab\\E",
  "\\b",
  "(?:)",
  "()",
  "[a-\\x{FFFF}]",
  "é",
  "😀",
  "\\101",
  "\\.",
  "{,3}",
  "a{2}",
  "[\\[(]",
  "(?s-i:x)",
  "\\Q",
  "[[:^word:]\\d]",
];
const REPEATS = "* + ? {3} {0} {0,} {2,} {1,5} {0,4} *? {10} {7,9}? {1000}"
  .split(" ");
const OPENINGS = ["(", "(?:", "(?P<n>", "(?i:"];
const NAMES = ["", "H", "H1:", "H1:A", "H1:AAB", "L1:aa", "é", "h1:a", "(*3"];

/** Numbers below `n`, the same in each run. */
function randomOf(seed: number): (n: number) => number {
  return (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % n;
  };
}

function randomExpression(random: (n: number) => number, depth = 3): string {
  const pick = (list: readonly string[]) => list[random(list.length)]!;
  let text = "";
  for (let parts = 1 + random(4); parts > 0; parts--) {
    text += depth > 0 && random(10) < 4
      ? pick(OPENINGS) + randomExpression(random, depth - 1) + ")"
      : pick(ATOMS);
    if (random(3) === 0) text += pick(REPEATS);
    if (random(6) === 0) text += "|";
  }
  return text;
}

function channel(name: string): Channel {
  return {
    name,
    dataType: "float32",
    sampleRate: 16,
    publisher: "P",
    partitionId: "p",
    partitionIndex: 0,
    strideNs: 62_500_000n,
    maxLatencyNs: 1_000_000_000n,
    replayId: null,
  };
}

describe("programSizeMax()", () => {
  it("is never below the program that the library makes", () => {
    const random = randomOf(12);
    let compared = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      const text = randomExpression(random);
      const size = programSizeMax(text);
      if (size > 5000) continue;
      let program: number;
      try {
        program = RE2JS.compile(text).programSize();
      } catch (error) {
        assert.ok(error instanceof RE2JSSyntaxException);
        continue;
      }
      compared++;
      assert.ok(size >= program, `${text}: ${size} is below ${program}`);
    }
    assert.ok(compared > EXPRESSIONS / 2);
  });

  it("is close to the size of the program for usual expressions", () => {
    for (
      const text of [
        "H1:.*",
        ".*_(DQ|OUT)$",
        "(H1|L1):SUS-[A-Z]+_\\d{2}",
        "(?i)strain",
      ]
    ) {
      const program = RE2JS.compile(text).programSize();
      assert.ok(programSizeMax(text) <= 1.5 * program + 10, text);
    }
  });
});

describe("Expression", () => {
  it("refuses an expression that would expand beyond the limit, before it is compiled (32 s for 20,000 names)", () => {
    const large = [
      "(?:(?:.?){300}){3}Z",
      ".{0,1000}".repeat(443),
      ".*".repeat(2000) + "x",
      "((((a{1000}){1000}){1000}){1000})",
      "(?i)[A-\\x{1F600}]",
      "\\pL".repeat(1000),
      "(?i)[" + "\\W".repeat(2000) + "]",
      "(".repeat(2000),
    ];
    for (const text of large) {
      assert.throws(
        () => new Expression(text),
        (error) => error instanceof BadExpressionError && error.isTooLarge,
        text.slice(0, 40),
      );
    }
  });

  it("costs no more than a part for the longest name", () => {
    const text = "x*".repeat(Math.floor(PROGRAM_SIZE_MAX / 3) - 2);
    const steps = new Expression(text).stepsOf("x".repeat(255));
    assert.ok(steps > 100 && steps <= PART_STEPS_MAX);
  });

  it("matches as the library does, anchored at the start", () => {
    const random = randomOf(23);
    let compared = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      const text = randomExpression(random, 2);
      if (programSizeMax(text) > PROGRAM_SIZE_MAX) continue;
      let expression: Expression;
      try {
        expression = new Expression(text);
      } catch (error) {
        assert.ok(error instanceof BadExpressionError);
        assert.throws(() => RE2JS.compile(text), text);
        continue;
      }
      const pattern = RE2JS.compile(text);
      for (const name of NAMES) {
        compared++;
        assert.equal(
          expression.matches(name),
          pattern.matcher(name).lookingAt(),
          `${text} on ${name}`,
        );
      }
    }
    assert.ok(compared > EXPRESSIONS);
  });

  it("finds beginnings by bisection, and the same channels", () => {
    const catalog = new Catalog();
    for (const name of NAMES) catalog.set(channel(name || "Z"));
    const all = [...NAMES.filter((n) => n !== ""), "Z"].sort();
    for (
      const text of [
        "H1:.*",
        "^H1:",
        "H1:A?",
        "H1:A+B",
        "H1:A*",
        "H1:A{0}",
        "H1|L1",
        "H1:A|H1:AA|H",
        "H1\\(a|L",
        "H1[(]|L",
        "(H1|L1):A.*",
        ".*",
        "",
        "|",
        "x|",
        "h1.*a",
        "é",
        "H1:(?i)a",
        "$",
      ]
    ) {
      const pattern = RE2JS.compile(text);
      assert.deepEqual(
        catalog.find({ match: text }).map((c) => c.name),
        all.filter((name) => pattern.matcher(name).lookingAt()),
        text,
      );
    }
  });
});
