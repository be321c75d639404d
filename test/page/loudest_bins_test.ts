// The largest magnitude of channels in bins.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Peaks, peakTrend } from "../../src/page/loudest_bins.js";
import type { TrendBin } from "../../src/page/qanat.d.ts";

const binOf = (
  min: TrendBin["min"],
  max: TrendBin["max"],
  count = 16,
): TrendBin => ({ min, mean: 0, max, count });

describe("Peaks", () => {
  it("ranks channels by their largest magnitude, and keeps its sign and its time", () => {
    const peaks = new Peaks();
    peaks.put({
      timeNs: 10_000_000_000n,
      channels: { "X:A": binOf(-1, 2), "X:B": binOf(-7, 3), "X:C": null },
    });
    peaks.put({
      timeNs: 20_000_000_000n,
      channels: { "X:A": binOf(-1, 9), "X:B": binOf(-7, 7) },
    });
    assert.deepEqual(peaks.ranked(), [
      { name: "X:A", value: 9, atS: 20 },
      { name: "X:B", value: -7, atS: 10 },
    ]);
    assert.equal(peaks.firstS, 10);
    assert.equal(peaks.of("X:C"), undefined);
  });

  it("takes integers of 64 bits and infinity, and no bin without a sample", () => {
    const peaks = new Peaks();
    peaks.put({
      timeNs: 5_000_000_000n,
      channels: {
        "X:EMPTY": binOf(null, null, 0),
        "X:INFINITE": binOf(0, null),
        "X:WIDE": binOf(0n, 2n ** 63n),
      },
    });
    assert.deepEqual(peaks.ranked().map(({ name, value }) => [name, value]), [
      ["X:INFINITE", Infinity],
      ["X:WIDE", 2n ** 63n],
    ]);
    // A double has no place for this difference.
    const wide = { "X:WIDE": binOf(0n, 2n ** 63n + 1n), "X:NEAR": binOf(0, 9) };
    peaks.put({ timeNs: 6_000_000_000n, channels: wide });
    assert.deepEqual(peaks.of("X:WIDE"), { value: 2n ** 63n + 1n, atS: 6 });
    assert.equal(peaks.ranked().at(-1)!.name, "X:NEAR");
  });
});

describe("peakTrend()", () => {
  it("takes longer bins for longer spans", () => {
    assert.deepEqual([36, 600, 3600, 86_400].map(peakTrend), [
      "1s",
      "1s",
      "10s",
      "60s",
    ]);
  });
});
