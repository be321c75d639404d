// A ring of bins: order, holes, bins that are overwritten.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { newSampleStats } from "../../src/trends/sample_stats.ts";
import { TrendRing } from "../../src/trends/trend_ring.ts";

function stats(value: number, count = 1) {
  return {
    ...newSampleStats(),
    min: value,
    max: value,
    sum: value * count,
    count,
  };
}

describe("TrendRing", () => {
  it("merges the samples of a bin, and distinguishes a bin of NaN from none", () => {
    const ring = new TrendRing("float32", 4);
    const out = newSampleStats();
    assert.equal(ring.oldest, Infinity);
    ring.add(7, stats(NaN, 0));
    assert.equal(ring.read(7, out), true);
    assert.equal(out.count, 0);
    ring.add(7, stats(-2, 3));
    ring.add(7, stats(5));
    ring.read(7, out);
    assert.deepEqual([out.min, out.max, out.sum, out.count], [-2, 5, -1, 4]);
    assert.equal(ring.read(6, out), false);
    assert.equal(ring.read(8, out), false);
  });

  it("drops the oldest bin when it is full, and leaves no old bin in a hole", () => {
    const ring = new TrendRing("int16", 4);
    const out = newSampleStats();
    for (const bin of [10, 11, 12, 13]) ring.add(bin, stats(bin));
    ring.add(15, stats(15));
    assert.deepEqual([ring.first, ring.oldest], [10, 12]);
    assert.equal(ring.has(11), false);
    assert.equal(ring.has(14), false);
    assert.equal(ring.read(12, out) && out.min, 12);
    assert.equal(ring.nextBin(0), 12);
    assert.equal(ring.nextBin(14), 15);
    ring.add(1_000_000, stats(1));
    assert.deepEqual([ring.oldest, ring.nextBin(0)], [999_997, 1_000_000]);
  });

  it("throws at a bin before the newest one", () => {
    const ring = new TrendRing("int64", 4);
    ring.add(3, { ...stats(1), minBig: 1n, maxBig: 1n });
    assert.throws(() => ring.add(2, stats(1)), RangeError);
    ring.reset();
    ring.add(2, { ...stats(1), minBig: -1n, maxBig: 1n });
    const out = newSampleStats();
    assert.ok(ring.read(2, out));
    assert.deepEqual([out.minBig, out.maxBig], [-1n, 1n]);
  });
});
