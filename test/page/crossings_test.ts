// Limits and levels: which samples are beyond, and where an edge is; null, NaN, infinities, and integers of 64 bits.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { CheckedSpans } from "../../src/page/checked_spans.js";
import {
  beyondIn,
  edgesIn,
  isEdge,
  valuesOfBin,
} from "../../src/page/crossings.js";
import {
  levelFrom,
  levelOf,
  levelText,
  levelWords,
  sideOf,
} from "../../src/page/levels.js";

const BIG = 2n ** 60n;

describe("a level", () => {
  it("is a number, or an integer of any size with all its digits", () => {
    assert.equal(levelOf(" -1.5 "), -1.5);
    assert.equal(levelOf("2e-21"), 2e-21);
    assert.equal(levelOf("9007199254740991"), 9007199254740991);
    assert.equal(levelOf("9007199254740993"), 9007199254740993n);
    assert.equal(levelOf("-18446744073709551615"), -18446744073709551615n);
    for (const text of ["", " ", "x", "1e301", "Infinity", "NaN", "1,5"]) {
      assert.equal(levelOf(text), undefined, text);
    }
    for (const level of [-1.5, 0, 2e-21, BIG + 1n]) {
      assert.equal(levelOf(levelText(level)), level);
    }
    assert.equal(levelWords(BIG + 1n), "1,152,921,504,606,846,977");
  });

  it("is compared exactly with 64-bit integers", () => {
    assert.equal(sideOf(BIG + 1n, BIG), 1);
    assert.equal(sideOf(BIG, BIG), 0);
    assert.equal(sideOf(BIG - 1n, Number(BIG)), -1);
    assert.equal(sideOf(NaN, 0), NaN);
    assert.equal(levelFrom(BIG + 3n, Number(BIG)), 3);
    assert.equal(levelFrom(5, 2), 3);
  });
});

describe("beyondIn", () => {
  const beyond = (samples: ArrayLike<number | bigint | null>, limits = {}) =>
    beyondIn(samples, limits);

  it("finds the first and the last sample beyond; one at the limit is within", () => {
    const limits = { above: 3, below: -3 };
    assert.deepEqual(beyond([0, 3, -3, 3.1, 0, -4, 1], limits), {
      first: 3,
      last: 5,
      side: -1,
      hasValue: true,
    });
    assert.equal(beyond([0, 3, -3], limits).first, -1);
    assert.equal(beyond(Float32Array.of(7), { above: 3 }).side, 1);
    assert.equal(beyond([-7], { above: 3 }).first, -1);
  });

  it("takes null and NaN for neither, and an infinite sample for beyond", () => {
    const limits = { above: -1, below: -2 };
    assert.deepEqual(beyond([null, NaN, null], limits), {
      first: -1,
      last: -1,
      side: NaN,
      hasValue: false,
    });
    const found = beyond([NaN, Infinity, -1.5, -Infinity, NaN], limits);
    assert.deepEqual([found.first, found.last, found.side], [1, 3, -1]);
  });

  it("compares 64-bit integers with all their digits", () => {
    const samples = BigInt64Array.of(BIG, BIG + 1n, BIG + 2n);
    assert.equal(beyond(samples, { above: BIG + 1n }).first, 2);
    assert.equal(beyond([null, BIG], { above: BIG - 1n }).first, 1);
  });
});

describe("an edge", () => {
  const edges = (
    samples: ArrayLike<number | bigint | null>,
    options: Partial<Parameters<typeof edgesIn>[1]> = {},
  ) =>
    edgesIn(samples, {
      level: 3,
      edge: "rising",
      before: NaN,
      from: 0,
      ...options,
    });

  it("is a step to the other side; a sample at the level is no edge", () => {
    assert.deepEqual(edges([0, 2, 3, 4, 5]), {
      at: 3,
      others: 0,
      first: -1,
      last: 1,
    });
    assert.equal(edges([5, 3, 2], { edge: "falling" }).at, 2);
    assert.equal(edges([5, 3, 2]).at, -1);
    assert.equal(edges([2, 5, 2], { edge: "either" }).others, 1);
    assert.equal(edges([3, 3, 3], { edge: "either" }).at, -1);
    assert.equal(isEdge(0, 1, "rising"), true);
    assert.equal(isEdge(0, 1, "falling"), false);
  });

  it("needs a sample before: a first sample beyond is none", () => {
    assert.equal(edges([4, 5]).at, -1);
    assert.equal(edges([4, 5], { before: 1 }).at, -1);
    assert.equal(edges([4, 5], { before: -1 }).at, 0);
    assert.equal(edges([4, 5], { before: 0 }).at, 0);
  });

  it("is found across null and NaN, at the first sample after them", () => {
    assert.equal(edges([2, NaN, null, 4]).at, 3);
    const none = edges([NaN, null], { before: -1 });
    assert.deepEqual([none.at, none.first, none.last], [-1, NaN, -1]);
    assert.equal(edges([2, Infinity]).at, 1);
    assert.equal(edges([2, -Infinity, 4]).at, 2);
  });

  it("before the first index that counts is counted with the others", () => {
    const found = edges([2, 4, 2, 4, 2, 4], { from: 2 });
    assert.deepEqual([found.at, found.others], [3, 2]);
  });

  it("is exact with 64-bit integers", () => {
    const samples = BigUint64Array.of(BIG, BIG, BIG + 1n);
    assert.equal(edges(samples, { level: BIG }).at, 2);
  });
});

describe("a bin", () => {
  it("is decided by its least and largest sample; null is infinite", () => {
    const bin = { min: -1, mean: 0, max: 5, count: 9 };
    assert.deepEqual(valuesOfBin(bin, "both"), [-1, 5]);
    assert.deepEqual(valuesOfBin(bin, "max"), [5]);
    assert.deepEqual(valuesOfBin({ ...bin, max: null }, "max"), [Infinity]);
    assert.deepEqual(valuesOfBin({ ...bin, min: null }, "min"), [-Infinity]);
    const none = { min: null, mean: null, max: null, count: 0 };
    assert.deepEqual(valuesOfBin(none, "both"), []);
  });
});

describe("CheckedSpans", () => {
  const span = (from: number, to: number, first = NaN, last = first) => ({
    from,
    to,
    first,
    last,
  });

  it("knows what was checked, in any order, and what is missing between", () => {
    const checked = new CheckedSpans();
    assert.equal(checked.has(0, 1), false);
    assert.equal(checked.missingUs, 0);
    checked.add(span(10, 20, -1));
    checked.add(span(30, 40, 1));
    assert.equal(checked.has(10, 20), true);
    assert.equal(checked.has(15, 25), false);
    assert.equal(checked.missingUs, 10);
    checked.add(span(20, 30, -1, 1));
    assert.equal(checked.has(12, 38), true);
    assert.equal(checked.missingUs, 0);
    assert.equal(checked.end, 40);
    checked.add(span(0, 10, 0));
    assert.deepEqual(checked.before(40), { side: 1, isAdjacent: true });
    assert.equal(checked.after(0), 0);
  });

  it("knows the side before a time, also across missing data", () => {
    const checked = new CheckedSpans();
    assert.deepEqual(checked.before(10), { side: NaN, isAdjacent: false });
    checked.add(span(0, 10, -1, 1));
    checked.add(span(20, 30, 0));
    assert.deepEqual(checked.before(10), { side: 1, isAdjacent: true });
    assert.deepEqual(checked.before(15), { side: 1, isAdjacent: false });
    assert.equal(checked.after(20), 0);
    assert.equal(checked.after(21), NaN);
    // A span without a number has no side of its own.
    checked.add(span(10, 20, NaN));
    assert.deepEqual(checked.before(30), { side: 0, isAdjacent: true });
  });

  it("forgets what is missing, and does not check it later", () => {
    const checked = new CheckedSpans();
    checked.forgetMissing();
    checked.add(span(0, 10));
    checked.add(span(20, 30));
    checked.forgetMissing();
    assert.equal(checked.missingUs, 0);
    assert.equal(checked.has(10, 20), true);
    assert.equal(checked.has(30, 40), false);
  });

  it("keeps a limited number of spans, and counts what it can no longer fill", () => {
    const checked = new CheckedSpans();
    for (let i = 0; i < 1000; i++) checked.add(span(10 * i, 10 * i + 6));
    assert.equal(checked.missingUs, 999 * 4);
    assert.equal(checked.has(6, 10), true);
    assert.equal(checked.has(9986, 9990), false);
  });
});
