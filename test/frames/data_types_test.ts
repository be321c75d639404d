// Random samples of every data type, its extremes among them, in every format: each reader gets the published bits.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { constants, inflateRawSync, zstdDecompressSync } from "node:zlib";
import lz4 from "lz4js";
import {
  CompressionType,
  setCompressionCodec,
  tableFromIPC,
} from "@uwdata/flechette";
import { Qanat } from "../../src/app.ts";
import { type Channel, DATA_TYPES } from "../../src/channels/channel.ts";
import {
  is64Bit,
  SAMPLE_ARRAYS,
  type Samples,
} from "../../src/channels/sample_arrays.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { decoderOf } from "../../src/page/rows.js";
import { CsvFile } from "../../src/tail/csv_file.ts";
import { trendBinOf } from "../../src/trends/trend_bins.ts";
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
const ROW_SAMPLES = 64;
const STRIDE_NS = 62_500_000n;

const random = new Random(20_261_204);
const channels = DATA_TYPES.map((dataType) =>
  aChannel({
    name: `H1:TYPE-${dataType.toUpperCase()}`,
    dataType,
    sampleRate: 16 * ROW_SAMPLES,
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
const SHAPES: Record<string, StreamShape> = {
  events: { format: "events" },
  "gzip events": { format: "events", coding: "gzip" },
  "events-arrow": { format: "events-arrow" },
  arrow: { format: "arrow" },
  "gzip arrow": { format: "arrow", coding: "gzip" },
  lz4: { format: "arrow", codec: "lz4" },
  zstd: { format: "arrow", codec: "zstd" },
};
let qanat: Qanat;

function bytesOf(samples: Samples): Uint8Array {
  const { buffer, byteOffset, byteLength } = samples;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function bodyOf(name: string): Uint8Array<ArrayBuffer> {
  const body = Buffer.concat(streams.get(name)!.written);
  if (!name.startsWith("gzip")) return Uint8Array.from(body);
  return Uint8Array.from(inflateRawSync(body.subarray(10), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }));
}

/** What an event stream has: its `hello`, and the data of each row. */
function eventsOf(name: string) {
  const text = new TextDecoder().decode(bodyOf(name));
  const [hello] = text.match(/(?<=^event: hello\ndata: ).*$/m)!;
  const rows = [...text.matchAll(/^id: \d+\ndata: (.*)$/gm)].map((m) => m[1]!);
  return { hello: JSON.parse(hello), rows };
}

function jsonOf(sample: number | bigint): unknown {
  if (typeof sample === "bigint") return String(sample);
  return Number.isFinite(sample) ? sample : null;
}

before(async () => {
  setCompressionCodec(CompressionType.ZSTD, {
    encode: (bytes) => bytes,
    decode: (bytes) => new Uint8Array(zstdDecompressSync(bytes)),
  });
  setCompressionCodec(CompressionType.LZ4_FRAME, {
    encode: (bytes) => bytes,
    decode: (bytes) => Uint8Array.from(lz4.decompress(bytes)),
  });
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
  const open = (name: string, shape: StreamShape) => {
    const admission = qanat.hub.admission.admit(
      channels.map((channel) => source.catalog.get(channel.name, null)!),
      shape,
      { address: "" },
    );
    assert.ok(admission.kind === "ready", JSON.stringify(admission));
    const outlet = new HeldOutlet();
    admission.open(outlet);
    streams.set(name, outlet);
  };
  for (const [name, shape] of Object.entries(SHAPES)) open(name, shape);
  const trend = trendBinOf("1s");
  open("bins", { format: "events", trend });
  open("bins in Arrow", { format: "arrow", trend });
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

describe("samples of every data type", () => {
  it("are JSON that reads back to them, 64-bit integers as texts", () => {
    const { rows } = eventsOf("events");
    assert.equal(rows.length, ROWS);
    rows.forEach((data, row) => {
      const got = JSON.parse(data).channels;
      channels.forEach(({ name, dataType }, i) => {
        const values = got[name].map((value: number | string | null) =>
          dataType === "float32" && value !== null
            ? Math.fround(Number(value))
            : value
        );
        const expected = Array.from(published[i]![row]!, jsonOf);
        assert.deepEqual(values, expected, `${name}, row ${row}`);
      });
    });
    assert.deepEqual(bodyOf("gzip events"), bodyOf("events"));
  });

  it("are the same bytes in Arrow, compressed or not", () => {
    for (const name of ["arrow", "gzip arrow", "lz4", "zstd"]) {
      const table = tableFromIPC(bodyOf(name), { useBigInt: true });
      assert.equal(table.numRows, ROWS, name);
      channels.forEach((channel, i) => {
        const column = table.getChild(channel.name);
        for (let row = 0; row < ROWS; row++) {
          const got = column.at(row) as Samples;
          const expected = published[i]![row]!;
          assert.equal(got.constructor, expected.constructor);
          const place = `${name}, ${channel.name}, row ${row}`;
          assert.deepEqual(bytesOf(got), bytesOf(expected), place);
        }
      });
    }
  });

  it("are the same samples on the page, in JSON and in Arrow", () => {
    for (const name of ["events", "events-arrow"]) {
      const { hello, rows } = eventsOf(name);
      const decode = decoderOf(hello);
      assert.equal(rows.length, ROWS, name);
      rows.forEach((data, row) => {
        const got = decode(data).channels;
        channels.forEach((channel, i) => {
          const samples = got[channel.name] as Samples;
          const expected = published[i]![row]!;
          assert.equal(samples.constructor, expected.constructor);
          // JSON has neither infinities nor bits of NaN.
          const seen = name === "events" ? finite(channel, expected) : expected;
          assert.deepEqual([...samples], [...seen], `${name}, row ${row}`);
        });
      });
    }
  });

  it("have exact least and largest samples in trends", () => {
    const { rows } = eventsOf("bins");
    const table = tableFromIPC(bodyOf("bins in Arrow"), { useBigInt: true });
    assert.equal(rows.length, 2);
    rows.forEach((data, bin) => {
      const got = JSON.parse(data).channels;
      channels.forEach(({ name, dataType }, i) => {
        const all = published[i]!.slice(16 * bin, 16 * bin + 16)
          .flatMap((row) => Array.from<number | bigint>(row))
          .filter((sample) => !Number.isNaN(sample));
        const min = all.reduce((a, b) => a < b ? a : b);
        const max = all.reduce((a, b) => a > b ? a : b);
        const { min: low, max: high, mean, count } = got[name];
        const fround = (value: unknown) =>
          dataType === "float32" && typeof value === "number"
            ? Math.fround(value)
            : value;
        assert.equal(count, all.length, name);
        assert.deepEqual(
          [fround(low), fround(high)],
          [jsonOf(min), jsonOf(max)],
          name,
        );
        assert.equal(table.getChild(`${name}.min`).at(bin), min, name);
        assert.equal(table.getChild(`${name}.max`).at(bin), max, name);
        if (dataType.startsWith("float")) return;
        const exact = all.reduce<bigint>((sum, v) => sum + BigInt(v), 0n);
        const error = Math.abs(mean - Number(exact) / count);
        const size = Math.max(Math.abs(Number(min)), Number(max));
        assert.ok(error <= 1e-15 * size, `${name}: ${error}`);
      });
    });
  });

  it("are the digits of the integers in a CSV file", () => {
    let text = "";
    const file = new CsvFile((bytes) =>
      text += new TextDecoder().decode(bytes)
    );
    const stream = bodyOf("arrow");
    const view = new DataView(stream.buffer);
    const end = 8 + view.getInt32(4, true);
    file.schema(stream.subarray(0, end));
    file.batch(stream.subarray(end));
    const [heading, ...lines] = text.trimEnd().split("\n");
    const names = heading!.split(",").slice(1);
    assert.equal(lines.length, ROWS * ROW_SAMPLES);
    lines.forEach((line, at) => {
      const cells = line.split(",").slice(1);
      channels.forEach(({ name, dataType }, i) => {
        if (dataType.startsWith("float")) return;
        const row = published[i]![Math.floor(at / ROW_SAMPLES)]!;
        const cell = cells[names.indexOf(name)];
        assert.equal(cell, String(row[at % ROW_SAMPLES]), name);
      });
    });
  });
});

/** Samples as the page has them when they came as JSON. */
function finite({ dataType }: Channel, samples: Samples): Samples {
  if (is64Bit(dataType)) return samples;
  const values = Array.from(
    samples as Float64Array,
    (value) => Number.isFinite(value) ? value : NaN,
  );
  return (SAMPLE_ARRAYS[dataType] as Float64ArrayConstructor).from(values);
}
