// The test runner's own counting: scripts/test_tally.ts.
// Invariant: the totals that CI prints are those of behaviours, not of the describes around them.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { tallyOf } from "../scripts/test_tally.ts";

function junit(...cases: string[]): string {
  return `<testsuites><testsuite name="a">${
    cases.join("\n")
  }</testsuite></testsuites>`;
}

describe("tallyOf()", () => {
  it("counts the leaves, not the describes around them", () => {
    const document = junit(
      `<testcase name="ring" time="0.1">\n</testcase>`,
      `<testcase name="ring &gt; reserve()" time="0.1"></testcase>`,
      `<testcase name="ring &gt; reserve() &gt; wraps" time="0.1"></testcase>`,
      `<testcase name="ring &gt; reserve() &gt; refuses" time="0.1"/>`,
      `<testcase name="flat" time="0.1"></testcase>`,
    );
    assert.deepEqual(tallyOf(document, true), {
      passed: 3,
      failed: 0,
      skipped: 0,
    });
  });

  it("distinguishes failed and skipped ones", () => {
    const document = junit(
      `<testcase name="a"><failure message="no">stack</failure></testcase>`,
      `<testcase name="b"><skipped/></testcase>`,
      `<testcase name="c"></testcase>`,
    );
    assert.deepEqual(tallyOf(document, false), {
      passed: 1,
      failed: 1,
      skipped: 1,
    });
  });

  it("a run that failed without a failed test counts one failure", () => {
    assert.deepEqual(tallyOf(junit(), false), {
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  });

  it("a describe whose hook failed counts as a failure although its tests passed", () => {
    const document = junit(
      `<testcase name="a"><failure message="after()">stack</failure></testcase>`,
      `<testcase name="a &gt; b"></testcase>`,
    );
    assert.deepEqual(tallyOf(document, false), {
      passed: 1,
      failed: 1,
      skipped: 0,
    });
  });
});
