// What the plot in a notebook draws: columns of samples and bins, gaps, and labels of values.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  COLUMNS,
  Columns,
  NOT_FINITE,
} from "../../clients/python/src/qanat_client/widget/columns.js";
import {
  ticksOf,
  valuesOf,
} from "../../clients/python/src/qanat_client/widget/drawing.js";

const SPAN_S = 10;
const STRIDE_S = 0.0625;

/** Samples that are drawn: the least and the largest of all columns of a span. */
function drawn(columns: Columns, fromS: number, toS: number) {
  const found: [low: number, high: number][] = [];
  columns.forEach(
    fromS,
    toS,
    (_s: number, low: number, high: number) => found.push([low, high]),
  );
  return found;
}

describe("columns of a plot", () => {
  it("have every sample, in as many columns at any rate and for any time", () => {
    for (const rate of [16, 256, 16_384]) {
      const columns = new Columns(SPAN_S);
      const count = rate * STRIDE_S;
      for (let row = 0; row < 1000; row++) {
        const samples = Float32Array.from(
          { length: count },
          (_, i) => row * count + i,
        );
        columns.putSamples(row * STRIDE_S, STRIDE_S, samples);
      }
      const endS = 1000 * STRIDE_S;
      assert.equal(columns.endS, endS);
      const found = drawn(columns, endS - SPAN_S, endS);
      assert.ok(found.length <= COLUMNS + 2);
      assert.equal(found.at(-1)![1], 1000 * count - 1);
      if (rate < COLUMNS / SPAN_S) assert.ok(found.length >= rate * SPAN_S);
      for (let i = 1; i < found.length; i++) {
        assert.equal(found[i]![0], found[i - 1]![1] + 1);
      }
    }
  });

  it("take history after newer rows, and drop what is older than they hold", () => {
    const columns = new Columns(SPAN_S);
    columns.putSamples(100, STRIDE_S, [1]);
    columns.putSamples(92, STRIDE_S, [2]);
    columns.putSamples(85, STRIDE_S, [3]);
    columns.putSamples(-500, STRIDE_S, [4]);
    assert.deepEqual(drawn(columns, 90, 101), [[2, 2], [1, 1]]);
    assert.equal(columns.endS, 100 + STRIDE_S);
  });

  it("join samples of slow channels, and nothing across a missing row", () => {
    const columns = new Columns(SPAN_S);
    columns.putSamples(0, 1, [1]);
    assert.ok(columns.isJoined(1));
    assert.ok(!columns.isJoined(2));
    columns.putSamples(1, STRIDE_S, new Float32Array(1024));
    assert.ok(!columns.isJoined(STRIDE_S));
  });

  it("keep gaps with their reasons, joined, each once, and no more than are in sight", () => {
    const columns = new Columns(SPAN_S);
    columns.addGap({ fromS: 1, toS: 2, reason: "late" });
    columns.addGap({ fromS: 2, toS: 3, reason: "late" });
    columns.addGap({ fromS: 1.5, toS: 2, reason: "late" });
    columns.addGap({ fromS: 3, toS: 4, reason: "slow" });
    assert.deepEqual(columns.gaps, [
      { fromS: 1, toS: 3, reason: "late" },
      { fromS: 3, toS: 4, reason: "slow" },
    ]);
    columns.putSamples(4, 1, [1, null, NaN, 2n]);
    assert.deepEqual(columns.gaps.at(-1), {
      fromS: 4.25,
      toS: 4.75,
      reason: NOT_FINITE,
    });
    for (let i = 0; i < 3000; i++) {
      columns.addGap({ fromS: 10 + i, toS: 10.5 + i, reason: "late" });
    }
    assert.ok(columns.gaps.length <= 16, String(columns.gaps.length));
  });

  it("of bins have their ends, and a gap where a bin has none", () => {
    const columns = new Columns(600);
    columns.putBin(0, 1, { min: -1, max: 3n });
    columns.putBin(1, 1, { min: null, max: 4 });
    assert.deepEqual(drawn(columns, 0, 2), [[-1, 3]]);
    assert.deepEqual(columns.gaps, [{
      fromS: 1,
      toS: 2,
      reason: NOT_FINITE,
    }]);
  });
});

describe("labels of values", () => {
  it("differ, are inside, and are few, for any values", () => {
    const pairs = [
      [0, 1],
      [-3e-22, 5e-22],
      [1e9, 1e9 + 0.5],
      [2 ** 60, 2 ** 60 + 512],
      [-Number.MAX_VALUE, Number.MAX_VALUE],
      [0, 5e-324],
      [7, 7],
      [0, 0],
    ];
    for (const [least, most] of pairs) {
      const columns = new Columns(SPAN_S);
      columns.putSamples(1, 1, [least!, most!]);
      const values = valuesOf(columns, { fromS: 0, toS: 5 })!;
      assert.ok(values.low <= least! && values.high >= most!);
      const ticks = ticksOf(values, 4);
      assert.ok(ticks.length <= 9, `${least}: ${ticks.length}`);
      for (const { value } of ticks) {
        assert.ok(value >= values.low && value <= values.high);
      }
      const isCoarse = most! - least! < Math.abs(most!) * 1e-12;
      const texts = new Set(ticks.map(({ text }) => text));
      if (!isCoarse || least === most) {
        assert.equal(texts.size, ticks.length, [...texts].join(" "));
      }
    }
    assert.equal(valuesOf(new Columns(1), { fromS: 0, toS: 1 }), null);
  });
});
