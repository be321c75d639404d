import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Histogram } from "../../src/telemetry/histogram.ts";

describe("Histogram", () => {
  it("counts a value in the first bucket that it does not exceed", () => {
    const histogram = new Histogram([1, 2, 5]);
    for (const value of [0, 1, 1.5, 2, 5, 6, 100]) histogram.observe(value);
    assert.deepEqual(histogram.cumulative(), [2, 4, 5, 7]);
    assert.equal(histogram.count, 7);
    assert.equal(histogram.sum, 115.5);
    assert.equal(histogram.max, 100);
  });

  it("quantile() interpolates, and never exceeds the largest value", () => {
    const histogram = new Histogram([1, 2, 5]);
    assert.ok(Number.isNaN(histogram.quantile(0.5)));
    for (let i = 0; i < 100; i++) histogram.observe(1.5);
    assert.equal(histogram.quantile(0.5), 1.25);
    assert.equal(histogram.quantile(1), 1.5);
    histogram.observe(1000);
    assert.equal(histogram.quantile(1), 1000);
  });

  it("refuses bounds that do not ascend", () => {
    assert.throws(() => new Histogram([1, 1]), /must ascend/);
  });
});
