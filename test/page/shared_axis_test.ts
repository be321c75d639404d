// One axis for several channels: it holds the values of all, 64-bit integers among them, and says a unit that all have.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { BinTrace } from "../../src/page/bin_trace.js";
import { Series } from "../../src/page/series.js";
import { fitTogether, unitOf } from "../../src/page/shared_axis.js";
import { ValueAxis } from "../../src/page/value_axis.js";

type Value = number | bigint;

/** Bins of a second from GPS 1000 on, with one value each. */
function traceOf(
  type: "float64" | "int64",
  values: Value[],
  unit: string | null = null,
) {
  const channel = {
    name: "A",
    data_type: type,
    sample_rate: 16,
    publisher: "test",
    stride_ns: 62_500_000,
    unit,
  };
  const series = new Series(channel, 100, "1s");
  values.forEach((value, i) =>
    series.putBin(BigInt(1000 + i) * 1_000_000_000n, {
      min: value,
      mean: Number(value),
      max: value,
      count: 16,
    } as never)
  );
  return new BinTrace(series);
}
const SPAN = { fromS: 1000, toS: 1010, origin: 0 };

describe("fitTogether()", () => {
  it("holds the values of all channels", () => {
    const axis = new ValueAxis();
    const traces = [traceOf("float64", [1, 2]), traceOf("float64", [-7, 30])];
    assert.equal(fitTogether(axis, traces, SPAN), 0);
    const { low, high } = axis.scale.ends;
    assert.ok(low < -7 && high > 30 && low > -20 && high < 45);
    // A channel without values changes nothing.
    fitTogether(axis, [traceOf("float64", [])], SPAN);
    assert.deepEqual(axis.scale.ends, { low, high });
  });

  it("keeps large integers exact, and near ones of a float on the same axis", () => {
    const axis = new ValueAxis();
    const base = 2n ** 60n;
    const integers = traceOf("int64", [base, base + 4n]);
    const origin = fitTogether(axis, [integers], SPAN);
    assert.equal(BigInt(origin), base);
    assert.ok(axis.scale.share(0) < axis.scale.share(4));
    const float = traceOf("float64", [Number(base) + 1024]);
    float.setOrigin(origin);
    assert.equal(
      fitTogether(axis, [integers, float], { ...SPAN, origin }),
      origin,
    );
    assert.ok(axis.scale.share(4) < axis.scale.share(1024));
    // Far from the float, no origin serves both.
    const far = traceOf("float64", [0]);
    far.setOrigin(origin);
    assert.equal(fitTogether(axis, [integers, far], { ...SPAN, origin }), 0);
    const { low, high } = axis.scale.ends;
    assert.ok(low < 0 && high > 2 ** 60);
  });

  it("has fixed ends and decades for all", () => {
    const axis = new ValueAxis();
    axis.set({ log: true, max: 1e6 });
    fitTogether(
      axis,
      [traceOf("float64", [1e-3]), traceOf("float64", [5])],
      SPAN,
    );
    assert.ok(axis.scale.share(1e-3) > 0 && axis.scale.share(5) < 1);
    assert.equal(axis.scale.ends.high, 1e6);
  });
});

describe("unitOf()", () => {
  it("is the unit of all, or none", () => {
    const metres = traceOf("float64", [1], "m");
    assert.equal(unitOf([metres, traceOf("float64", [1], "m")]), "m");
    assert.equal(unitOf([metres, traceOf("float64", [1], "V")]), null);
    assert.equal(unitOf([metres, traceOf("float64", [1])]), null);
    assert.equal(unitOf([]), null);
  });
});
