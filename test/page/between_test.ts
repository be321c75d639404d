// What is between two cursors: samples, 64-bit integers, bins, holes; and the cursors' own line.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { between, betweenText } from "../../src/page/between.js";
import { textOf } from "../../src/page/cursors.js";
import { Series } from "../../src/page/series.js";
import { emptyView, hashOf, viewOf } from "../../src/page/view.js";

function seriesOf(type: "float32" | "int64", trend: "1s" | null = null) {
  const channel = {
    name: "A",
    data_type: type,
    sample_rate: 16,
    publisher: "p",
    stride_ns: 62_500_000,
  };
  return new Series(channel, 20, trend);
}

describe("between()", () => {
  it("counts all samples from the earlier cursor to the later one", () => {
    const series = seriesOf("float32");
    series.put(
      1_000_000_000_000n,
      Float32Array.from({ length: 16 }, (_, i) => i),
    );
    // 1000.125 to 1000.25 are samples 2, 3 and 4.
    const found = between(series, 1000.25, 1000.125)!;
    assert.deepEqual(found, {
      count: 3,
      missing: 0,
      min: 2,
      max: 4,
      mean: 3,
      rms: Math.sqrt((4 + 9 + 16) / 3),
    });
    assert.equal(
      betweenText(series, [1000.125, 1000.25]),
      `A 2 · B 4 · ΔY 2 · min 2 · mean 3 · rms 3.10913 · max 4 · peak-to-peak 2 · 3 samples`,
    );
    assert.equal(betweenText(series, [1000.13, null]), "A 2");
    assert.equal(betweenText(series, [null, null]), "");
  });

  it("counts the sample just before a cursor, from which the plot's line runs into the span", () => {
    const series = seriesOf("float32");
    series.put(1_000_000_000_000n, Float32Array.of(9, 1, 2, -9));
    // Between samples 0 and 1, and between 2 and 3.
    const found = between(series, 1000.03, 1000.17)!;
    assert.deepEqual([found.count, found.min, found.max], [3, 1, 9]);
    assert.match(
      betweenText(series, [1000.17, 1000.03]),
      /^A 2 · B 9 · .*max 9 .*· 3 samples$/,
    );
    // Both between the same two samples: the plot shows a line all the same.
    assert.match(betweenText(series, [1000.01, 1000.03]), / · 1 sample$/);
  });

  it("says what is missing, and has no figures where there is nothing", () => {
    const series = seriesOf("float32");
    series.put(1_000_000_000_000n, Float32Array.of(1, NaN, Infinity, 3));
    const { count, missing, mean } = between(series, 999.9375, 1000.25)!;
    assert.deepEqual({ count, missing, mean }, {
      count: 2,
      missing: 4,
      mean: 2,
    });
    assert.equal(between(series, 2000, 2001), null);
    assert.equal(betweenText(series, [2000, 2001]), "A – · B –");
  });

  it("keeps all digits of 64-bit integers", () => {
    const series = seriesOf("int64");
    const base = 2n ** 60n;
    series.put(
      1_000_000_000_000n,
      BigInt64Array.of(base, base + 1n, base + 5n),
    );
    const found = between(series, 1000, 1000.125)!;
    assert.deepEqual([found.min, found.max, found.count], [base, base + 5n, 3]);
    assert.equal(found.mean, Number(base) + 2);
    assert.match(betweenText(series, [1000, 1000.125]), / · ΔY 5 · /);
    assert.match(betweenText(series, [1000, 1000.125]), / · peak-to-peak 5 · /);
  });

  it("takes the ends of bins, and has no rms of them", () => {
    const series = seriesOf("float32", "1s");
    for (const [s, min, mean, max] of [[100, -1, 0, 1], [101, -3, 1, 2]]) {
      const bin = { min: min!, mean: mean!, max: max!, count: 16 };
      series.putBin(BigInt(s!) * 1_000_000_000n, bin);
    }
    const found = between(series, 100.5, 101.5)!;
    assert.deepEqual(found, {
      count: 2,
      missing: 0,
      min: -3,
      max: 2,
      mean: 0.5,
      rms: null,
    });
    assert.match(betweenText(series, [100.5, 101.5]), /2 bins$/);
  });
});

describe("cursors", () => {
  it("say where they are and how far apart, as exactly as the mouse is", () => {
    const options = { pixelS: 0.004, time: "gps" as const };
    assert.equal(
      textOf([100.25, 100.75], options),
      "A 100.250 · B 100.750 · Δt 0.5 s · 1/Δt 2 Hz",
    );
    assert.match(textOf([100.75, 100.25], options), /Δt -0.5 s · 1\/Δt 2 Hz$/);
    assert.equal(textOf([null, 5], { ...options, pixelS: 30 }), "B 5");
    assert.equal(
      textOf([5, 5], { ...options, pixelS: 30 }),
      "A 5 · B 5 · Δt 0 s",
    );
  });

  it("are in the address", () => {
    const view = { ...emptyView(), cursors: [1126259462.423, null] as const };
    assert.deepEqual(viewOf(`#${hashOf(view)}`), view);
    assert.deepEqual(viewOf("#a=x&b=-1")!.cursors, [null, null]);
  });
});
