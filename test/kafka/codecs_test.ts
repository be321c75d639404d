import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import lz4 from "lz4js";
import snappy from "snappyjs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expand, expandedBytesMax } from "../../src/kafka/codecs.ts";
import { BATCH_BYTES_MAX, KafkaWork } from "../../src/kafka/kafka_work.ts";
import { SLICE_COST } from "../../src/kafka/loop_slices.ts";
import { newWork, Rounds } from "./batches.ts";

const MIB = 1024 * 1024;
const text = Buffer.from("strain ".repeat(1000));
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

const undo = (
  codec: number,
  bytes: Uint8Array,
  limit = BATCH_BYTES_MAX,
  work = newWork(),
) => expand(codec, bytes, limit, work.task("decode"));

/** Bytes that are partly alike, the same in each run. */
function mixed(byteLength: number): Buffer {
  const bytes = Buffer.alloc(byteLength);
  let state = 1;
  for (let i = 0; i < byteLength; i++) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    bytes[i] = i % 64 < 40 ? i >> 6 : state >> 16;
  }
  return bytes;
}

function xerial(...blocks: Uint8Array[]): Buffer {
  const head = Buffer.from("82534e415050590000000001" + "00000001", "hex");
  return Buffer.concat([
    head,
    ...blocks.map((block) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(block.length);
      return Buffer.concat([size, block]);
    }),
  ]);
}

/** A frame of independent blocks of up to 64 KiB, as Java writes it. */
function lz4Frame(blocks: readonly Uint8Array[], flags = 0x60): Buffer {
  const parts = [Buffer.from("04224d18", "hex"), Buffer.from([flags, 0x40])];
  parts.push(Buffer.from([0])); // checksum of the header
  for (const block of blocks) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    parts.push(size, Buffer.from(block));
    if (flags & 0x10) parts.push(Buffer.alloc(4));
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

/** A block that expands to `length` zeros, in bytes of 255 each; it ends with a literal. */
function lz4Zeros(length: number): Buffer {
  const rest = length - 1 - 1 - 4 - 15;
  const run = new Array(Math.floor(rest / 255)).fill(255);
  return Buffer.from([0x1f, 0, 1, 0, ...run, rest % 255, 0x10, 0]);
}

describe("expand()", () => {
  const packed: [string, number, Buffer][] = [
    ["gzip", GZIP, gzipSync(text)],
    ["snappy", SNAPPY, Buffer.from(snappy.compress(text))],
    ["lz4", LZ4, Buffer.from(lz4.compress(text))],
    ["zstd", ZSTD, zstdCompressSync(text)],
  ];

  it("undoes each codec, up to its exact size and no further", async () => {
    for (const [name, codec, bytes] of packed) {
      assert.ok((await undo(codec, bytes)).equals(text), name);
      assert.ok((await undo(codec, bytes, text.length)).equals(text), name);
      await assert.rejects(undo(codec, bytes, text.length - 1), /\d+/, name);
    }
  });

  it("decompresses matches, literals and blocks of all sizes", async () => {
    const large = mixed(300_000);
    for (
      const [name, codec, bytes] of [
        ["gzip", GZIP, gzipSync(large)],
        ["snappy", SNAPPY, Buffer.from(snappy.compress(large))],
        ["lz4", LZ4, Buffer.from(lz4.compress(large))],
        ["zstd", ZSTD, zstdCompressSync(large)],
      ] as const
    ) assert.ok((await undo(codec, bytes)).equals(large), name);
  });

  it("throws on bytes that are cut short, changed or something else", async () => {
    for (const [name, codec, bytes] of packed) {
      if (codec !== ZSTD) { // Deno's ends without an error: its records are missed
        const half = bytes.subarray(0, bytes.length >> 1);
        await assert.rejects(undo(codec, half), name);
      }
      await assert.rejects(undo(codec, Buffer.from("something else")), name);
      for (let at = 0; at < bytes.length; at++) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 0x55;
        await undo(codec, changed, 10_000).catch(() => {});
      }
    }
    await assert.rejects(undo(5, text), /compression 5/);
  });

  it("stops bombs at the limit, of each codec", async () => {
    const zeros = Buffer.alloc(2 * MIB);
    for (
      const [name, codec, bytes] of [
        ["gzip", GZIP, gzipSync(zeros)],
        [
          "gzip of two members",
          GZIP,
          Buffer.concat([
            gzipSync(Buffer.alloc(MIB)),
            gzipSync(Buffer.alloc(MIB)),
          ]),
        ],
        ["snappy", SNAPPY, Buffer.from(snappy.compress(zeros))],
        ["lz4", LZ4, lz4Frame(new Array(32).fill(lz4Zeros(65_536)))],
        ["zstd", ZSTD, zstdCompressSync(zeros)],
      ] as const
    ) {
      assert.ok(bytes.length < MIB / 7, name);
      assert.equal((await undo(codec, bytes, 2 * MIB)).length, 2 * MIB, name);
      await assert.rejects(undo(codec, bytes, 2 * MIB - 1), /\d+ bytes/, name);
    }
  });

  it("decompresses large content in several slices", async () => {
    const large = mixed(8 * MIB);
    for (
      const [name, codec, bytes] of [
        ["gzip", GZIP, gzipSync(large, { level: 1 })],
        ["snappy", SNAPPY, Buffer.from(snappy.compress(large))],
        ["lz4", LZ4, Buffer.from(lz4.compress(large))],
        ["zstd", ZSTD, zstdCompressSync(large)],
      ] as const
    ) {
      const rounds = new Rounds();
      const work = new KafkaWork({ slices: rounds.slices });
      const whole = undo(codec, bytes, BATCH_BYTES_MAX, work);
      assert.ok((await rounds.until(whole)).equals(large), name);
      assert.ok(rounds.slices.turns > 1, `${name}: ${rounds.slices.turns}`);
      const { peakCost } = rounds.slices;
      assert.ok(peakCost < 1.3 * SLICE_COST, `${name}: ${peakCost}`);
    }
  });
});

describe("lz4", () => {
  it("reads blocks with checksums, blocks that are not compressed, and empty frames", async () => {
    const plain = Buffer.concat([
      Buffer.from("04224d18604000", "hex"),
      Buffer.from("03000080", "hex"),
      Buffer.from("abc"),
      Buffer.alloc(4),
    ]);
    assert.equal((await undo(LZ4, plain)).toString(), "abc");
    const checked = lz4Frame([lz4Zeros(1000), lz4Zeros(2000)], 0x70);
    assert.ok((await undo(LZ4, checked)).equals(Buffer.alloc(3000)));
    assert.equal((await undo(LZ4, lz4Frame([]))).length, 0);
  });

  it("allocates memory for the content of blocks, not for their largest size (2.5 MB became 629 MB)", async () => {
    const many = lz4Frame(new Array(20_000).fill(Buffer.from([0x10, 65])));
    const limit = 20_000;
    assert.equal((await undo(LZ4, many, limit)).length, limit);
  });

  it("refuses a claimed content size and blocks beyond their size before it reads them", async () => {
    const claim = Buffer.alloc(15);
    claim.set(Buffer.from("04224d186840", "hex"));
    claim.writeBigUInt64LE(1n << 40n, 6);
    await assert.rejects(undo(LZ4, claim), /exceeds 67108864/);
    const beyond = lz4Frame([lz4Zeros(65_537)]);
    await assert.rejects(undo(LZ4, beyond), /exceeds 65536/);
  });

  it("refuses matches that reach before the content", async () => {
    const frame = lz4Frame([Buffer.from([0x10, 65, 2, 0, 0x10, 66])]);
    await assert.rejects(undo(LZ4, frame), /2 bytes back/);
  });
});

describe("snappy", () => {
  it("unwraps Java's framing of several blocks", async () => {
    const block = Buffer.from(snappy.compress(text.subarray(0, 3500)));
    const framed = xerial(block, block);
    assert.deepEqual(await undo(SNAPPY, framed), text);
    await assert.rejects(undo(SNAPPY, framed.subarray(0, 40)), /cut short/);
  });

  it("refuses claims that its bytes cannot meet, raw and framed", async () => {
    const claims4GB = Buffer.from("ffffffff0f00", "hex");
    await assert.rejects(undo(SNAPPY, claims4GB), /at most 67108864/);
    await assert.rejects(undo(SNAPPY, xerial(claims4GB)), /at most/);
    const claims60MB = Buffer.from("80feb61c00", "hex");
    await assert.rejects(undo(SNAPPY, claims60MB), /1 bytes cannot hold/);
    await assert.rejects(undo(SNAPPY, xerial(claims60MB)), /cannot hold/);
  });

  it("counts all blocks together", async () => {
    const block = Buffer.from(snappy.compress(Buffer.alloc(1000)));
    const framed = xerial(block, block, block);
    assert.equal((await undo(SNAPPY, framed, 3000)).length, 3000);
    await assert.rejects(undo(SNAPPY, framed, 2999), /at most 999/);
  });

  it("refuses copies out of another block", async () => {
    // 4 bytes: a copy of 4 bytes, 1 back, with nothing before it in this block.
    const block = Buffer.from([4, 0b001, 1]);
    const first = Buffer.from(snappy.compress(text));
    await assert.rejects(undo(SNAPPY, xerial(first, block)), /outside/);
  });
});

describe("expandedBytesMax()", () => {
  it("is the most that the bytes can expand to, up to the limit", () => {
    assert.equal(expandedBytesMax(GZIP, 100, 1e6), 103_200);
    assert.equal(expandedBytesMax(SNAPPY, 100, 1e6), 2200);
    assert.equal(expandedBytesMax(LZ4, 100, 1e6), 25_500);
    assert.equal(expandedBytesMax(ZSTD, 1, 1e6), 1e6);
  });
});
