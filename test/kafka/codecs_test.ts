import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import lz4 from "lz4js";
import snappy from "snappyjs";
import { zstdCompressSync } from "node:zlib";
import {
  BATCH_BYTES_MAX,
  registerCodecs,
  unsnappy,
} from "../../src/kafka/codecs.ts";

const text = Buffer.from("strain ".repeat(1000));

describe("registerCodecs()", () => {
  it("gives kafkajs gzip, snappy and zstd that undo themselves", async () => {
    registerCodecs();
    for (const name of ["GZIP", "Snappy", "ZSTD"] as const) {
      const codec = (CompressionCodecs as unknown as Record<
        number,
        () => {
          compress(e: { buffer: Buffer }): Promise<Buffer>;
          decompress(b: Buffer): Promise<Buffer>;
        }
      >)[CompressionTypes[name]]!();
      const packed = await codec.compress({ buffer: text });
      assert.ok(packed.length < text.length / 4, name);
      assert.ok((await codec.decompress(packed)).equals(text), name);
    }
  });
});

describe("lz4", () => {
  it("is read, and not written in silence as what brokers refuse", async () => {
    registerCodecs();
    const codec = (CompressionCodecs as unknown as Record<
      number,
      () => {
        compress(e: { buffer: Buffer }): Promise<Buffer>;
        decompress(b: Buffer): Promise<Buffer>;
      }
    >)[CompressionTypes.LZ4]!();
    const packed = Buffer.from(lz4.compress(text));
    assert.ok((await codec.decompress(packed)).equals(text));
    await assert.rejects(codec.compress({ buffer: text }), /not written/);
  });
});

describe("unsnappy()", () => {
  it("unwraps Java's framing of several blocks", () => {
    const half = text.subarray(0, 3500);
    const block = Buffer.from(snappy.compress(half));
    const head = Buffer.from("82534e415050590000000001" + "00000001", "hex");
    const size = Buffer.alloc(4);
    size.writeInt32BE(block.length);
    const framed = Buffer.concat([head, size, block, size, block]);
    assert.deepEqual(Buffer.from(unsnappy(framed)), text);
    assert.throws(() => unsnappy(framed.subarray(0, 40)), /cut short/);
  });
});

describe("BATCH_BYTES_MAX", () => {
  it("stops a few bytes that claim to be gigabytes", async () => {
    registerCodecs();
    const zstd = (CompressionCodecs as unknown as Record<
      number,
      () => { decompress(b: Buffer): Promise<Buffer> }
    >)[CompressionTypes.ZSTD]!();
    const bomb = zstdCompressSync(Buffer.alloc(BATCH_BYTES_MAX + 1));
    assert.ok(bomb.length < BATCH_BYTES_MAX / 1000);
    await assert.rejects(zstd.decompress(bomb));
    // A snappy block begins with the length that it claims, as a varint.
    assert.throws(() => unsnappy(Buffer.from("ffffffff0f00", "hex")));
  });
});
