// What the page downloads: which files, under which names; Parquet files with the bits of their values.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { downloadsOf, fileName } from "../../src/page/download_files.js";
import { ParquetFile } from "../../src/page/parquet_file.js";
import { samplesPath } from "../../src/page/plot_paths.js";
import { Envelope } from "../../src/page/envelope.js";
import { SampleRing } from "../../src/page/samples.js";
import { ValueScale } from "../../src/page/value_scale.js";
import { Series } from "../../src/page/series.js";

const channel = (
  name: string,
  rate: number,
  type: "float32" | "uint64" | "int8" = "float32",
) => ({
  name,
  data_type: type,
  sample_rate: rate,
  publisher: "p",
  stride_ns: 62_500_000,
});
const SPAN = { fromS: 1000.25, toS: 1004.5, trend: null };

describe("downloadsOf()", () => {
  it("has one Arrow file, and CSV and Parquet for each sample rate", () => {
    const channels = [
      channel("H1:A", 16),
      channel("H1:B", 256),
      channel("C", 16),
    ];
    const all = downloadsOf({ ...SPAN, channels }, "http://h/q/");
    assert.deepEqual(all.map(({ label, name }) => [label, name]), [
      ["Arrow", "H1-A_and_2_more-1000-5.arrows"],
      ["CSV of 16 Hz", "H1-A_and_1_more-1000-5.csv"],
      ["Parquet of 16 Hz", "H1-A_and_1_more-1000-5.parquet"],
      ["CSV of 256 Hz", "H1-B-1000-5.csv"],
      ["Parquet of 256 Hz", "H1-B-1000-5.parquet"],
    ]);
    assert.equal(
      all[1]!.request!.url,
      "http://h/q/v1/data?channels=H1:A,C&start=1000.250000&end=1004.500000&format=csv",
    );
    assert.equal(all[2]!.request, null);
    assert.deepEqual(downloadsOf({ ...SPAN, channels: [] }, "http://h/"), []);
  });

  it("puts bins of all rates into one file", () => {
    const channels = [channel("A", 16), channel("B", 256)];
    const all = downloadsOf({ ...SPAN, trend: "10s", channels }, "http://h/");
    assert.deepEqual(all.map(({ label }) => label), [
      "Arrow",
      "CSV",
      "Parquet",
    ]);
    assert.match(all[0]!.request!.url, /&trend=10s$/);
    assert.equal(all[2]!.name, "A_and_1_more_trend-10s-1000-5.parquet");
  });

  it("asks by POST where a name has a comma, and keeps names of files plain", () => {
    const channels = [channel("../A,B/é", 16)];
    const [arrow] = downloadsOf({ ...SPAN, channels }, "http://h/");
    assert.equal(arrow!.request!.url, "http://h/v1/arrow");
    assert.match(arrow!.request!.body!, /"\.\.\/A,B\/é"/);
    assert.equal(fileName(channels, SPAN, "csv"), "-A-B--1000-5.csv");
  });
});

describe("ParquetFile", () => {
  it("has a line for each sample, and begins and ends as Parquet does", () => {
    const channels = [channel("A", 32), channel("B", 32, "uint64")];
    const file = new ParquetFile(channels, false);
    const row = { strideNs: 62_500_000n, missing: {} };
    file.putRow({
      ...row,
      timeNs: 1_000_000_000_000n,
      channels: {
        A: Float32Array.of(1, NaN),
        B: BigUint64Array.of(1n, 2n ** 64n - 1n),
      },
    });
    file.putRow({
      ...row,
      timeNs: 1_000_062_500_000n,
      channels: { A: null, B: null },
    });
    file.addGap({ fromNs: 1n, toNs: 2n, reason: "retention" });
    assert.equal(file.lines, 4);
    const bytes = file.bytes();
    const text = new TextDecoder("latin1").decode(bytes);
    assert.ok(text.startsWith("PAR1") && text.endsWith("PAR1"));
    assert.ok(text.includes(`{"from":"1","to":"2","reason":"retention"}`));
  });
});

describe("samplesPath()", () => {
  it("goes through every sample, and leaves holes", () => {
    const series = new Series(channel("A", 4), 10);
    series.put(1_000_000_000_000n, Float32Array.of(0, 1, NaN, 0.5));
    const envelope = new Envelope(series.ring);
    envelope.setGrid(100, 100);
    const scale = new ValueScale();
    scale.hold(0, 1, 0);
    assert.equal(
      samplesPath(envelope, series, { fromS: 1000, toS: 1001, scale }),
      "M0 1000L250 0M750 500",
    );
    assert.ok(series.ring instanceof SampleRing);
  });
});
