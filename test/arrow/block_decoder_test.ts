import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  Field,
  Float32,
  Int64,
  List,
  Table,
  tableToIPC,
  Uint32,
  vectorFromArray,
} from "apache-arrow";

import { BlockDecoder, newBlockLayout } from "../../src/arrow/block_decoder.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { END_OF_STREAM } from "../../src/arrow/row_template.ts";
import { prefixedBytes } from "../../src/arrow/message_header.ts";
import { DATA_TYPES, SAMPLE_BYTES } from "../../src/channels/channel.ts";
import { fixtureBlocks, fixtureMessages, samplesAt } from "./fixtures.ts";
import { Random } from "../random.ts";
import { randomSamples } from "../random_samples.ts";

function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 0) / 4294967296;
  };
}

const messages = fixtureMessages();
const data = messages.filter((m) => !m.topic.includes("metadata"));

/** topic → id → channel name, from the metadata records. */
const names = new Map<string, string>();
for (const { key, value, topic } of messages) {
  if (!topic.includes("metadata") || key!.startsWith("__") || !value) continue;
  const record = JSON.parse(new TextDecoder().decode(value));
  names.set(`arrakis-${record.partition_id} ${record.partition_index}`, key!);
}

describe("BlockDecoder.decode()", () => {
  it("reads messages of the real publisher: all types, permuted rows, missing channels, NaN", () => {
    const got = new Map<string, Map<string, unknown[]>>();
    const layout = newBlockLayout();
    const decoders = new Map<string, BlockDecoder>();
    let rows = 0;
    for (const { topic, value } of data) {
      const decoder = decoders.get(topic) ?? new BlockDecoder();
      decoders.set(topic, decoder);
      assert.equal(decoder.decode(value!, layout), null);
      for (let row = 0; row < layout.rowCount; row++) {
        const name = names.get(`${topic} ${layout.ids[row]}`)!;
        const key = `${name.slice(0, 2)} ${layout.timeNs}`;
        const block = got.get(key) ?? new Map();
        got.set(key, block);
        const samples = samplesAt(
          value!,
          layout.dataType,
          layout.starts[row]!,
          layout.lengths[row]!,
        );
        block.set(name, Array.from(samples));
        rows++;
      }
    }
    let expectedRows = 0;
    for (const { publisher, time, channels } of fixtureBlocks()) {
      const block = got.get(`${publisher.slice(0, 2)} ${time}`)!;
      for (const [name, values] of Object.entries(channels)) {
        const samples = block.get(name)!;
        assert.equal(samples.length, values.length, name);
        for (let i = 0; i < values.length; i++) {
          const expected = values[i];
          const sample = samples[i];
          if (expected === null || expected === "NaN") {
            assert.ok(Number.isNaN(sample), `${name}[${i}]`);
          } else {assert.equal(
              String(sample),
              String(expected),
              `${name}[${i}]`,
            );}
        }
        expectedRows++;
      }
    }
    assert.equal(rows, expectedRows);
    const hits = [...decoders.values()].map((d) => d.headerCacheHits);
    assert.ok(hits.reduce((a, b) => a + b) > data.length / 2, `${hits}`);
  });

  it("never throws and never points outside the message, for 10,000 seeded mutations with a known header", () => {
    const next = random(7);
    const layout = newBlockLayout();
    const decoder = new BlockDecoder();
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      const original = data[Math.floor(next() * data.length)]!.value!;
      decoder.decode(original, layout);
      let value = original.slice();
      const kind = i % 4;
      if (kind === 0) value = value.slice(0, Math.floor(next() * value.length));
      if (kind === 1) {
        for (let n = 1 + next() * 8; n > 0; n--) {
          value[Math.floor(next() * value.length)]! ^= 1 <<
            Math.floor(next() * 8);
        }
      }
      if (kind === 2) {
        // Lengths, offsets and counts are 32-bit words: set one to an extreme.
        const at = 4 * Math.floor(next() * value.length / 4);
        const words = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), value.length, 65536];
        new DataView(value.buffer).setInt32(
          at,
          words[Math.floor(next() * words.length)]!,
          true,
        );
      }
      if (kind === 3) {
        const other = data[Math.floor(next() * data.length)]!.value!;
        const cut = Math.floor(next() * Math.min(value.length, other.length));
        value.set(other.subarray(cut, value.length), cut);
      }
      const reason = decoder.decode(value, layout);
      if (reason !== null) {
        refused++;
        continue;
      }
      for (let row = 0; row < layout.rowCount; row++) {
        const bytes = layout.lengths[row]! * SAMPLE_BYTES[layout.dataType];
        const start = layout.starts[row]!;
        assert.ok(start >= 0 && start + bytes <= value.length);
      }
    }
    assert.ok(refused > 2000, `${refused} refused`);
  });

  it("reads back what encodeBlock() wrote", () => {
    const series = [
      BigInt64Array.of(1n, -(2n ** 63n), 2n ** 63n - 1n),
      BigInt64Array.of(4n, 5n, 6n),
    ];
    const value = encodeBlock(1126259462n * 10n ** 9n, "int64", [7, 3], series);
    const layout = newBlockLayout();
    assert.equal(new BlockDecoder().decode(value, layout), null);
    assert.equal(layout.timeNs, 1126259462000000000n);
    assert.deepEqual([...layout.ids.subarray(0, 2)], [7, 3]);
    for (let row = 0; row < 2; row++) {
      assert.deepEqual(
        samplesAt(value, "int64", layout.starts[row]!, layout.lengths[row]!),
        series[row],
      );
    }
  });

  it("reads a Buffer that is a view into a larger one, as from kafkajs", () => {
    const value = data[0]!.value!;
    const response = Buffer.alloc(value.length + 64, 0xaa);
    response.set(value, 13);
    const layout = newBlockLayout();
    const view = response.subarray(13, 13 + value.length);
    assert.equal(new BlockDecoder().decode(view, layout), null);
  });

  it("returns what is wrong with a message", () => {
    const layout = newBlockLayout();
    const good = data[0]!.value!;
    const decode = (value: Uint8Array) =>
      new BlockDecoder().decode(value, layout);
    assert.equal(decode(new Uint8Array(0)), "not an Arrow IPC stream");
    assert.match(decode(good.slice(0, 700))!, /cut short/);
    assert.equal(
      decode(encodeBlock(0n, "int16", [], [])),
      "empty",
    );
  });

  it("round-trips every data type that encodeBlock() writes, rows of any length", () => {
    const layout = newBlockLayout();
    for (const dataType of DATA_TYPES) {
      const series = [3, 0, 1, 5].map((count, row) => {
        const random = new Random(20_261_203 + row);
        return randomSamples(random, dataType, count);
      });
      const value = encodeBlock(-5n, dataType, [9, 0, 4294967295, 2], series);
      assert.equal(new BlockDecoder().decode(value, layout), null);
      assert.equal(layout.dataType, dataType);
      assert.equal(layout.timeNs, -5n);
      assert.deepEqual([...layout.ids.subarray(0, 4)], [9, 0, 4294967295, 2]);
      series.forEach((samples, row) => {
        const { starts, lengths } = layout;
        assert.deepEqual(
          samplesAt(value, dataType, starts[row]!, lengths[row]!),
          samples,
        );
      });
    }
  });

  it("refuses a second record batch, complete or not, also when the header is known", () => {
    const layout = newBlockLayout();
    const decoder = new BlockDecoder();
    const first = encodeBlock(1n, "int16", [0], [Int16Array.of(1, 2)]);
    const second = encodeBlock(2n, "int16", [0], [Int16Array.of(3, 4)]);
    const schemaBytes = prefixedBytes(new DataView(second.buffer), 0);
    const open = first.subarray(0, first.length - END_OF_STREAM.length);
    const two = Uint8Array.from([...open, ...second.subarray(schemaBytes)]);
    assert.equal(decoder.decode(two, layout), "more than one record batch");
    for (const good of [first, open]) {
      assert.equal(decoder.decode(good, layout), null);
      assert.equal(layout.timeNs, 1n);
    }
    const hits = decoder.headerCacheHits;
    for (const bytes of [two.length, open.length + 8]) {
      const reason = decoder.decode(two.subarray(0, bytes), layout);
      assert.equal(reason, "more than one record batch");
    }
    assert.equal(decoder.headerCacheHits, hits + 2);
  });

  it("reports a row with a null list or a null sample as absent, and refuses different times", () => {
    const message = (times: bigint[], rows: (null | (null | number)[])[]) =>
      tableToIPC(
        new Table({
          time: vectorFromArray(times, new Int64()),
          id: vectorFromArray(rows.map((_, i) => i), new Uint32()),
          data: vectorFromArray(
            rows,
            new List(new Field("item", new Float32(), true)),
          ),
        }),
        "stream",
      );
    const layout = newBlockLayout();
    const decoder = new BlockDecoder();
    const lists = message([7n, 7n, 7n], [[1, 2], null, [3, 4]]);
    for (let turn = 0; turn < 2; turn++) {
      assert.equal(decoder.decode(lists, layout), null);
      assert.deepEqual([...layout.lengths.subarray(0, 3)], [2, -1, 2]);
    }
    const items = message([7n, 7n], [[1, null], [3, 4]]);
    assert.equal(decoder.decode(items, layout), null);
    assert.deepEqual([...layout.lengths.subarray(0, 2)], [-1, 2]);
    const value = samplesAt(items, "float32", layout.starts[1]!, 2);
    assert.deepEqual(Array.from(value), [3, 4]);
    assert.equal(
      decoder.decode(message([7n, 8n], [[1], [2]]), layout),
      "time of row 1 is not that of row 0",
    );
  });
});
