// Spans of which no trend was recorded: bins made of the samples that the server has, no more of them than a limit.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { SampleBins } from "../../src/page/sample_bins.js";
import { Series } from "../../src/page/series.js";
import { fillUnrecorded } from "../../src/page/unrecorded.js";
import type { DataType, RangeOptions, Row } from "../../src/page/qanat.d.ts";

/** A whole number of bins of 10 s. */
const GPS_S = 1_484_000_000;
const SECOND_NS = 1_000_000_000n;

function seriesOf(sample_rate: number, data_type: DataType = "float64") {
  const name = `${sample_rate}`;
  const rest = { publisher: "P", stride_ns: 1e9 };
  return new Series({ name, data_type, sample_rate, ...rest }, 4000, "10s");
}

const row = (s: number, channels: Row["channels"]): Row => ({
  timeNs: BigInt(GPS_S + s) * SECOND_NS,
  strideNs: SECOND_NS,
  channels,
  missing: {},
});

describe("SampleBins", () => {
  it("has the least, the mean and the largest sample, as the server's trends", () => {
    const series = seriesOf(2);
    const bins = new SampleBins(series);
    for (let s = 0; s < 20; s++) {
      bins.take(row(s, { 2: Float64Array.of(s, s === 3 ? NaN : -s) }));
    }
    const at = GPS_S / 10;
    assert.equal(series.binAt(at + 1), null, "its rows may not be over");
    bins.end();
    bins.end();
    assert.deepEqual(series.binAt(at), { min: -9, mean: 3 / 19, max: 9 });
    assert.deepEqual(series.binAt(at + 1), { min: -19, mean: 0, max: 19 });
  });

  it("keeps all digits of 64-bit integers, and takes no sample that is not there", () => {
    const series = seriesOf(3, "int64");
    const bins = new SampleBins(series);
    const base = 2n ** 62n;
    bins.take(row(0, { 3: [base + 7n, null, base + 1n] }));
    bins.take(row(10, { 3: null }));
    bins.take(row(20, { 3: [null, null, null] }));
    bins.end();
    const at = GPS_S / 10;
    const ends = { min: base + 1n, max: base + 7n };
    assert.deepEqual(series.exactBinAt(at), ends);
    assert.equal(series.binAt(at, Number(base))!.min, 1);
    assert.equal(series.ring.hasCome(at + 1, at + 2), false);
    // It has come, and is not a number.
    assert.equal(series.binAt(at + 2), null);
    assert.equal(series.ring.hasCome(at + 2, at + 3), true);
  });
});

describe("fillUnrecorded()", () => {
  const LONG_S = 3600;
  let asked: { name: string; fromS: number; toS: number }[];
  let state: "ended" | "refused";
  let controller: AbortController;
  const span = { fromS: GPS_S, toS: GPS_S + LONG_S, trend: "10s" as const };
  const fill = (...all: Series[]) =>
    fillUnrecorded(all, span, {
      signal: controller.signal,
      onChange: () => {},
      read: ({ channels, startNs, endNs, onRow, onGap }: RangeOptions) => {
        const name = channels.map((c) => (c as { name: string }).name).join();
        const [fromS, toS] = [startNs, endNs].map((ns) =>
          Number(ns / SECOND_NS) - GPS_S
        ) as [number, number];
        asked.push({ name, fromS, toS });
        if (state === "ended") {
          const toNs = startNs + 10n * SECOND_NS;
          onGap!({ fromNs: startNs, toNs, reason: "retention", channels: [] });
          onRow(row(toS - 1, { [name]: Float64Array.of(1, 3) }));
        }
        return Promise.resolve({ state, reconnects: 0 });
      },
    });
  const gapsOf = ({ gaps }: Series) =>
    gaps.map(({ fromS, toS, reason }) => [
      fromS - GPS_S,
      toS - GPS_S,
      reason,
    ]);
  const unrecorded = (rate: number, toS = 3500) => {
    const series = seriesOf(rate);
    series.addGap({
      fromS: GPS_S,
      toS: GPS_S + toS,
      reason: "not-recorded",
    });
    return series;
  };

  beforeEach(() => {
    asked = [];
    state = "ended";
    controller = new AbortController();
  });

  it("reads channels of the same span together, and no more rows than a limit", async () => {
    const all = [unrecorded(16), unrecorded(64)];
    await fill(...all);
    assert.deepEqual(asked, [{ name: "16,64", fromS: 0, toS: 3500 }]);
    const quick = unrecorded(16);
    quick.channel.stride_ns = 62_500_000;
    await fill(quick);
    assert.deepEqual(asked[1], { name: "16", fromS: 3190, toS: 3500 });
    assert.deepEqual(gapsOf(quick).at(-1), [0, 3190, "too-many-samples"]);
  });

  it("reads the samples of the whole gap, and hatches what these lack with their reason", async () => {
    const series = unrecorded(16);
    await fill(series);
    assert.deepEqual(asked, [{ name: "16", fromS: 0, toS: 3500 }]);
    assert.deepEqual(gapsOf(series), [[0, 10, "retention"]]);
    const last = series.binAt((GPS_S + 3490) / 10);
    assert.deepEqual(last, { min: 1, mean: 2, max: 3 });
    assert.deepEqual(series.awaited, []);
  });

  it("reads the newest of too many samples, slow channels first, and says where more are", async () => {
    const [fast, slow] = [unrecorded(16_384), unrecorded(16)];
    await fill(fast, slow, seriesOf(1));
    // Each of the two that lack something may have 500,000 samples.
    assert.deepEqual(asked, [
      { name: "16", fromS: 0, toS: 3500 },
      { name: "16384", fromS: 3470, toS: 3500 },
    ]);
    assert.deepEqual(gapsOf(fast), [
      [3470, 3480, "retention"],
      [0, 3470, "too-many-samples"],
    ]);
  });

  it("leaves the gap as it was where the server has no samples, or the view has changed", async () => {
    state = "refused";
    const series = unrecorded(16_384);
    await fill(series);
    assert.equal(asked.length, 1);
    assert.deepEqual(gapsOf(series), [[0, 3500, "not-recorded"]]);
    controller.abort();
    await fill(unrecorded(16));
    assert.equal(asked.length, 1);
  });
});
