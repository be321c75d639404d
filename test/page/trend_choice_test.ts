// From which bins a view is drawn, and when data are to be saved.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Feed } from "../../src/page/feed.js";
import { decoderOf } from "../../src/page/rows.js";
import { Series } from "../../src/page/series.js";
import {
  isDataExpensive,
  spanText,
  trendOf,
} from "../../src/page/trend_choice.js";

describe("trendOf()", () => {
  const view = { spanS: 36, pixels: 1200, saves: false, strides: [62_500_000] };
  it("leaves short spans to rows, unless data are to be saved", () => {
    assert.equal(trendOf(view), null);
    assert.equal(trendOf({ ...view, spanS: 120 }), null);
    assert.equal(trendOf({ ...view, saves: true }), "1s");
  });

  it("takes the finest bins of which each has a pixel", () => {
    assert.equal(trendOf({ ...view, spanS: 300 }), "1s");
    assert.equal(trendOf({ ...view, spanS: 300, pixels: 299 }), "10s");
    assert.equal(trendOf({ ...view, spanS: 3600 }), "10s");
    assert.equal(trendOf({ ...view, spanS: 3600, pixels: 3600 }), "1s");
    assert.equal(trendOf({ ...view, spanS: 86_400 }), "60s");
    assert.equal(trendOf({ ...view, spanS: 86_400, pixels: 200 }), "60s");
  });

  it("takes bins that every channel's blocks fill", () => {
    const strides = [1_000_000_000, 4_000_000_000];
    assert.equal(trendOf({ ...view, saves: true, strides }), "60s");
    assert.equal(
      trendOf({ ...view, saves: true, strides: [2_000_000_000] }),
      "10s",
    );
  });
});

describe("isDataExpensive()", () => {
  it("asks the browser, where it says", () => {
    assert.equal(isDataExpensive(undefined), false);
    assert.equal(
      isDataExpensive({ effectiveType: "4g", saveData: false }),
      false,
    );
    assert.equal(
      isDataExpensive({ effectiveType: "4g", saveData: true }),
      true,
    );
    assert.equal(isDataExpensive({ effectiveType: "3g" }), true);
    assert.equal(isDataExpensive({ effectiveType: "slow-2g" }), true);
  });
});

describe("spanText()", () => {
  it("says a span as people do", () => {
    const said = [0.5, 36, 60, 120, 300, 3600, 86_400, 3601, 0.123456]
      .map(spanText);
    assert.deepEqual(said, [
      ...["0.5 s", "36 s", "60 s", "2 min", "5 min", "1 h", "24 h"],
      ...["3601 s", "0.1235 s"],
    ]);
  });
});

describe("bins of a channel", () => {
  const channel = {
    name: "A",
    data_type: "int64" as const,
    sample_rate: 16,
    publisher: "p",
    stride_ns: 62_500_000,
  };

  it("come out of their text as what they were", () => {
    const decode = decoderOf({
      encoding: "json",
      stride_ns: 1e10,
      trend: "10s",
      channels: [channel],
    });
    const row = decode(
      `{"time":"1479575880000000000","bin_ns":10000000000,"channels":{"A":{"min":"-9007199254740993","mean":0.25,"max":"4","count":160}}}`,
    );
    assert.equal(row.strideNs, 10_000_000_000n);
    assert.deepEqual(row.channels, {
      A: { min: -9007199254740993n, mean: 0.25, max: 4n, count: 160 },
    });
    const none = decode(
      `{"time":"1479575890000000000","bin_ns":10000000000,"channels":{"A":null},"missing":{"A":"not-recorded"}}`,
    );
    assert.deepEqual([none.channels.A, none.missing], [null, {
      A: "not-recorded",
    }]);
  });

  it("are kept by their number; those of no sample are none", () => {
    const series = new Series(channel, 600, "10s");
    series.putBin(1000n * 10_000_000_000n, {
      min: -1n,
      mean: 0,
      max: 2n,
      count: 160,
    });
    series.putBin(1003n * 10_000_000_000n, {
      min: null,
      mean: null,
      max: null,
      count: 0,
    });
    assert.deepEqual(series.binAt(1000), { min: -1, mean: 0, max: 2 });
    for (const i of [999, 1001, 1003, 1004]) {
      assert.equal(series.binAt(i), null);
    }
    assert.equal(series.ring.endS, 10_040);
    assert.equal(series.strideS, 10);
  });

  it("make no samples when a feed shows nothing", () => {
    const feed = new Feed();
    feed.show([], 3600, "10s");
    assert.equal(feed.trend, "10s");
    assert.equal(feed.series.size, 0);
  });
});
