// Rows as lines: random samples of every data type read back as they were published, with the times of the samples.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { gpsNsOfText } from "../../src/blocks/gps_time.ts";
import { DATA_TYPES } from "../../src/channels/channel.ts";
import { is64Bit, type Samples } from "../../src/channels/sample_arrays.ts";
import type { LineFormat } from "../../src/frames/stream_format.ts";
import { type TrendBin, trendBinOf } from "../../src/trends/trend_bins.ts";
import { aChannel } from "../channels/a_channel.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { Random } from "../random.ts";
import { randomSamples } from "../random_samples.ts";

/** A multiple of 60 s. */
const FIRST = 23_671_510_080;
const ROWS = 40;
/** Not a divisor of 10^9: times have fractions of a nanosecond. */
const ROW_SAMPLES = 96;
const RATE = 16 * ROW_SAMPLES;
const STRIDE_NS = 62_500_000n;

const random = new Random(20_261_127);
const channels = DATA_TYPES.map((dataType) =>
  aChannel({
    name: `H1:TYPE-${dataType.toUpperCase()}`,
    dataType,
    sampleRate: RATE,
    partitionId: `TYPE_${dataType}`,
    strideNs: STRIDE_NS,
    maxLatencyNs: 1_000_000_000n,
  })
);
/** By channel and row. */
const published = channels.map(({ dataType }) =>
  Array.from(
    { length: ROWS },
    () => randomSamples(random, dataType, ROW_SAMPLES),
  )
);
const streams = new Map<string, HeldOutlet>();
let qanat: Qanat;

const linesOf = (name: string) => {
  const { text } = streams.get(name)!;
  assert.ok(text.endsWith("\n"));
  return text.slice(0, -1).split("\n");
};

/** The value of a cell in the channel's type, as a number or bigint. */
function valueOf(dataType: string, cell: string): number | bigint {
  if (dataType === "int64" || dataType === "uint64") return BigInt(cell);
  const value = { inf: Infinity, "-inf": -Infinity }[cell] ?? Number(cell);
  return dataType === "float32" ? Math.fround(value) : value;
}

function sameValue(got: number | bigint, expected: number | bigint): boolean {
  return Object.is(got, expected);
}

before(async () => {
  const source = new DrivenSource(channels.map((channel, i) => ({
    channel,
    samples: (first) =>
      published[i]![Math.max(0, first / ROW_SAMPLES - FIRST)]!,
  })));
  const clock = new BlockClock(FIRST - 1);
  qanat = new Qanat({
    config: configWith({ lingerMs: 0, outageGraceMs: 0 }),
    source,
    log: silent,
    clocks: clock,
  });
  await qanat.start();
  const open = (
    name: string,
    format: LineFormat,
    count = channels.length,
    trend?: TrendBin,
  ) => {
    const admission = qanat.hub.admission.admit(
      channels.slice(-count).map((c) => source.catalog.get(c.name, null)!)
        .sort((a, b) => a.name < b.name ? -1 : 1),
      { format, trend },
      { address: "" },
    );
    assert.ok(admission.kind === "ready", JSON.stringify(admission));
    const outlet = new HeldOutlet();
    admission.open(outlet);
    streams.set(name, outlet);
  };
  open("csv", "csv");
  open("ndjson", "ndjson");
  open("gwpy", "gwpy", 1);
  const trend = trendBinOf("1s");
  open("csv bins", "csv", undefined, trend);
  open("ndjson bins", "ndjson", undefined, trend);
  open("gwpy bins", "gwpy", 1, trend);
  // A stream begins behind the first row.
  for (let row = -1; row < ROWS; row++) {
    clock.index = FIRST + row + 1;
    for (const topic of source.blocks.topics) {
      const block = source.blocks.blockOf(topic, FIRST + row);
      source.sink!.onMessage(topic, block, row + 1, 0);
    }
    for (const topic of source.blocks.topics) {
      source.sink!.onCaughtUp(topic, clock.clockMs());
    }
  }
});

after(async () => {
  qanat.drain();
  await qanat.close();
});

/** By line: its time in GPS ns. */
function timeOf(line: number): bigint {
  const row = Math.floor(line / ROW_SAMPLES);
  const sample = line % ROW_SAMPLES;
  return BigInt(FIRST + row) * STRIDE_NS +
    BigInt(Math.floor(sample * 1e9 / RATE));
}

/** The names sorted as a selection has them, with the index of each in `channels`. */
const SORTED = channels.map(({ name, dataType }, i) => ({ name, dataType, i }))
  .sort((a, b) => a.name < b.name ? -1 : 1);

function samplesAt(i: number, line: number): number | bigint {
  const samples: Samples = published[i]![Math.floor(line / ROW_SAMPLES)]!;
  return samples[line % ROW_SAMPLES]!;
}

describe("lines of samples of every data type", () => {
  it("are CSV that reads back to them: floats with a point or exponent, NaN and infinities by name", () => {
    const [heading, ...lines] = linesOf("csv");
    const names = SORTED.map(({ name }) => name);
    assert.equal(heading, ["time", "gps_ns", ...names, "status"].join(","));
    assert.equal(lines.length, ROWS * ROW_SAMPLES);
    lines.forEach((line, k) => {
      const [time, gpsNs, ...cells] = line.split(",");
      assert.equal(gpsNs, String(timeOf(k)));
      assert.equal(gpsNsOfText(time!), timeOf(k));
      assert.equal(cells.pop(), "ok");
      SORTED.forEach(({ dataType, i }, column) => {
        const cell = cells[column]!;
        const expected = samplesAt(i, k);
        assert.ok(
          sameValue(valueOf(dataType, cell), expected),
          `${dataType}: ${cell} is not ${expected}`,
        );
        if (dataType.startsWith("float")) {
          assert.match(
            cell,
            /[.e]|inf|NaN/,
            "a reader would take it for an integer",
          );
        }
      });
    });
  });

  it("are JSON that reads back to them: 64-bit integers, NaN and infinities as texts", () => {
    const lines = linesOf("ndjson");
    assert.equal(lines.length, ROWS * ROW_SAMPLES);
    lines.forEach((line, k) => {
      const { time, gps_ns, channels: got, ...rest } = JSON.parse(line);
      assert.deepEqual(rest, {});
      assert.equal(gps_ns, String(timeOf(k)));
      assert.equal(gpsNsOfText(time), timeOf(k));
      assert.deepEqual(Object.keys(got), SORTED.map(({ name }) => name));
      for (const { name, dataType, i } of SORTED) {
        const cell = got[name];
        const expected = samplesAt(i, k);
        const isText = is64Bit(dataType) ||
          !Number.isFinite(expected as number);
        assert.equal(typeof cell, isText ? "string" : "number");
        const text = Object.is(cell, -0) ? "-0" : String(cell);
        assert.ok(sameValue(valueOf(dataType, text), expected), line);
      }
    });
  });

  it("are GPS seconds and the value for gwpy, behind comments", () => {
    const [heading, ...lines] = linesOf("gwpy");
    const { name, dataType } = channels.at(-1)!;
    assert.equal(heading, `# gps_s,${name}`);
    assert.equal(lines.length, ROWS * ROW_SAMPLES);
    lines.forEach((line, k) => {
      const [time, cell] = line.split(",");
      assert.match(time!, /^\d{10}\.\d{9}$/);
      assert.equal(gpsNsOfText(time!), timeOf(k));
      const expected = samplesAt(channels.length - 1, k);
      assert.ok(sameValue(valueOf(dataType, cell!), expected), line);
    });
  });

  it("are never longer than what is reserved for them", () => {
    for (const name of streams.keys()) {
      const { rows } = groupOf(name);
      for (const bytes of streams.get(name)!.written.slice(1)) {
        assert.ok(bytes.byteLength <= 8 * rows.frameBytesMax, name);
      }
      assert.ok(rows.frameBytesMax < 60 * 1024 * 10, name);
    }
  });

  it("have the same least, largest and mean samples of bins in each format", () => {
    const [heading, ...lines] = linesOf("csv bins");
    const json = linesOf("ndjson bins").map((line) => JSON.parse(line));
    assert.equal(lines.length, 2);
    assert.equal(json.length, 2);
    const columns = heading!.split(",");
    lines.forEach((line, bin) => {
      const cells = line.split(",");
      assert.equal(cells.length, columns.length);
      assert.equal(cells.at(-1), "ok");
      assert.equal(cells[1], json[bin].gps_ns);
      assert.equal(cells[0], json[bin].time);
      assert.equal(json[bin].bin_ns, 1_000_000_000);
      for (const { name, i, dataType } of SORTED) {
        const all = published[i]!.slice(16 * bin, 16 * bin + 16)
          .flatMap((row) => Array.from<number | bigint>(row))
          .filter((sample) => !Number.isNaN(sample));
        const cell = (value: string) =>
          cells[columns.indexOf(`${name}.${value}`)]!;
        const min = all.reduce((a, b) => a < b ? a : b);
        const max = all.reduce((a, b) => a > b ? a : b);
        const got = json[bin].channels[name];
        assert.equal(cell("count"), String(all.length));
        assert.equal(got.count, all.length);
        assert.equal(Number(valueOf(dataType, cell("min"))), Number(min));
        assert.equal(Number(valueOf(dataType, cell("max"))), Number(max));
        assert.equal(
          Number(got.min),
          Number(cell("min").replace("inf", "Infinity")),
        );
        assert.equal(
          Number(got.max),
          Number(cell("max").replace("inf", "Infinity")),
        );
        assert.equal(
          Number(got.mean),
          Number(cell("mean").replace("inf", "Infinity")),
        );
      }
    });
    const [comment, ...means] = linesOf("gwpy bins");
    assert.equal(comment, `# gps_s,${channels.at(-1)!.name}.mean`);
    assert.equal(means.length, 2);
  });
});

function groupOf(name: string) {
  const { owner } = streams.get(name)!;
  return (owner as unknown as {
    group: { rows: { frameBytesMax: number } };
  }).group;
}
