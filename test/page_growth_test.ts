// What `deno task bench:page --mix` calls growth.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type Bound, growthOf, slopeOf } from "../bench/page/growth.ts";

const BOUND: Bound = { title: "heap", unit: "MB", perHourMax: 3, noise: 1 };

/** A point a minute. */
function pointsOf(values: readonly number[]) {
  return values.map((value, i) => ({ hours: i / 60, value }));
}

describe("growth of a figure", () => {
  it("is the same with one sample that differs, however much", () => {
    const values = Array.from({ length: 30 }, (_, i) => 10 + i);
    assert.ok(Math.abs(slopeOf(pointsOf(values)) - 60) < 1e-9);
    values[29] = 1e6;
    assert.ok(Math.abs(slopeOf(pointsOf(values)) - 60) < 1e-9);
  });

  it("is too much above the bound for an hour, and above the noise in the run", () => {
    const leak = Array.from({ length: 30 }, (_, i) => 10 + i / 10);
    assert.equal(growthOf(pointsOf(leak), BOUND).isTooMuch, true);
    // In the first five minutes it is less than the noise.
    assert.equal(growthOf(pointsOf(leak.slice(0, 6)), BOUND).isTooMuch, false);
    const slow = Array.from({ length: 120 }, (_, i) => 10 + i / 60);
    assert.equal(growthOf(pointsOf(slow), BOUND).isTooMuch, false);
    const back = [...leak].reverse();
    assert.equal(growthOf(pointsOf(back), BOUND).isTooMuch, false);
  });

  it("is not known of two samples", () => {
    const { isTooMuch, perHour } = growthOf(pointsOf([1, 100]), BOUND);
    assert.deepEqual([Number.isNaN(perHour), isTooMuch], [true, false]);
  });
});
