import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  compressionRegistry,
  CompressionType,
  tableFromIPC,
} from "apache-arrow";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CompressedBatch } from "../../src/arrow/compressed_batch.ts";
import { MessageHeader } from "../../src/arrow/message_header.ts";
import { withMetadata } from "../../src/arrow/message_metadata.ts";
import {
  END_OF_STREAM,
  type RowColumn,
  RowTemplate,
} from "../../src/arrow/row_template.ts";
import { DATA_TYPES, SAMPLE_BYTES } from "../../src/channels/channel.ts";

const columns: RowColumn[] = DATA_TYPES.map((dataType, i) => ({
  name: `A:B-${i}`,
  dataType,
  rate: "16",
  samples: 2 * (i + 1),
  parts: i % 2 + 1,
}));

compressionRegistry.set(CompressionType.ZSTD, {
  decode: (bytes) => new Uint8Array(zstdDecompressSync(bytes)),
});

function valuesOf(messages: readonly Uint8Array[]): unknown[] {
  const stream = [...messages, END_OF_STREAM].flatMap((b) => [...b]);
  const table = tableFromIPC(Uint8Array.from(stream));
  return table.toArray().map((row) => JSON.parse(String(row)));
}

describe("CompressedBatch", () => {
  const template = new RowTemplate(columns);
  const batch = new CompressedBatch(template, "zstd");

  it("is read as the plain row, for every set of missing and of compressed channels", () => {
    const plain = [template.schemaMessage];
    const packed = [template.schemaMessage];
    const sets = 1 << columns.length;
    for (let set = 0; set < sets; set++) {
      const row = new Uint8Array(template.byteLength);
      template.begin(row, 0, 10n ** 18n + BigInt(set));
      const samples = columns.map(({ dataType, samples, parts }, i) => {
        const at = template.valuesByteOffset(i);
        const values = row.subarray(at, at + samples * SAMPLE_BYTES[dataType]);
        if (set & 1 << i) {
          template.setPresent(row, 0, i);
          // Only the second of two parts.
          const present = Uint8Array.of(parts === 2 ? 0 : 1, 1);
          if (parts === 2) template.setPartsPresent(row, 0, i, present);
          values.forEach((_, k) => values[k] = set + k);
        }
        return (set * 7 + i) % 3 === 0 ? null : zstdCompressSync(values);
      });
      const target = new Uint8Array(batch.rawBytes + 1000).fill(0xaa);
      const bytes = batch.write(target, row, samples);
      assert.equal(bytes, batch.bytesWith(samples));
      plain.push(row);
      packed.push(target.slice(0, bytes));
    }
    const values = valuesOf(packed);
    assert.equal(values.length, sets);
    assert.deepEqual(values, valuesOf(plain));
  });

  it("accepts metadata, and can follow batches that are not compressed", () => {
    const row = new Uint8Array(template.byteLength);
    template.begin(row, 0, 1n);
    const target = new Uint8Array(batch.rawBytes);
    batch.write(target, row, columns.map(() => null));
    const told = withMetadata(target, "qanat.gap", "{}");
    const view = new DataView(told.buffer);
    const header = new MessageHeader(view, 0);
    assert.equal(header.customMetadata().get("qanat.gap"), "{}");
    assert.ok(header.isCompressed);
    const { schemaMessage, emptyBatch } = template;
    assert.equal(
      valuesOf([schemaMessage, emptyBatch, told, row, emptyBatch]).length,
      2,
    );
  });
});
