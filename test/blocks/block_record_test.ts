import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { NOT_HELD } from "../../src/blocks/block_index.ts";
import { BlockRecords } from "../../src/blocks/block_records.ts";
import { PartitionBlocks } from "../../src/blocks/partition_blocks.ts";
import { DATA_TYPES } from "../../src/channels/channel.ts";
import { PageRing } from "../../src/memory/page_ring.ts";

const STRIDE_NS = 62_500_000n;

function partition(ring: PageRing): PartitionBlocks {
  return new PartitionBlocks({
    topic: "t",
    strideNs: STRIDE_NS,
    maxLatencyNs: 1_000_000_000n,
    ring,
    futureToleranceMs: 0,
    outageWaitMs: 0,
    outageGraceMs: 0,
    hasClock: false,
  });
}

function message(index: number, ids: readonly number[]): Uint8Array {
  return encodeBlock(
    BigInt(index) * STRIDE_NS,
    "int32",
    ids,
    ids.map((id) => Int32Array.of(id, index)),
  );
}

function samplesOf(blocks: PartitionBlocks, index: number, id: number) {
  const position = blocks.locate(index);
  assert.ok(position >= 0);
  const at = blocks.samplesAt(position, {
    partitionIndex: id,
    typeCode: DATA_TYPES.indexOf("int32"),
    blockSamples: 2,
  });
  if (at < 0) return null;
  const { bytes } = blocks.ring;
  return [...new Int32Array(bytes.buffer, bytes.byteOffset + at, 2)];
}

describe("a block's record", () => {
  it("finds the samples of each id, few or many, small or large", () => {
    const sets = [
      [0, 1, 2],
      [7],
      [65_534],
      [65_535, 3, 900],
      Array.from({ length: 300 }, (_, i) => 37 * i),
    ];
    for (const ids of sets) {
      const blocks = partition(new PageRing(new Uint8Array(1 << 20)));
      assert.equal(blocks.append(message(5, ids), NaN), "stored");
      for (const id of ids) assert.deepEqual(samplesOf(blocks, 5, id), [id, 5]);
      for (const id of [4, 36, 899, 901, 65_533]) {
        if (!ids.includes(id)) assert.equal(samplesOf(blocks, 5, id), null);
      }
    }
  });

  it("gives its message back as it came, while the ring has it", () => {
    const ring = new PageRing(new Uint8Array(1 << 20));
    const blocks = partition(ring);
    const records = new BlockRecords(ring);
    for (const ids of [[0, 1, 2], [65_534]]) {
      const value = message(ids.length, ids);
      blocks.append(value, NaN);
      const position = blocks.locate(ids.length);
      assert.deepEqual(records.message(position), value);
    }
    const position = blocks.locate(1);
    for (let i = 0; i < 2000; i++) ring.reserve(1000);
    assert.equal(records.message(position), null);
  });

  it("does not grow with the ids of its message (80 blocks of 640 bytes took 41 MB)", () => {
    const ring = new PageRing(new Uint8Array(1 << 20));
    const blocks = partition(ring);
    const first = ring.headPosition;
    let bytes = 0;
    for (let index = 0; index < 80; index++) {
      const value = message(index, [index % 2 === 0 ? 65_534 : 50]);
      bytes += value.byteLength;
      assert.equal(blocks.append(value, NaN), "stored");
    }
    assert.ok(
      ring.headPosition - first <= 4 * bytes,
      `${ring.headPosition - first} bytes`,
    );
    assert.deepEqual(samplesOf(blocks, 0, 65_534), [65_534, 0]);
  });

  it("two blocks far apart in time do not make the index grow to 16 MB", () => {
    const blocks = partition(new PageRing(new Uint8Array(1 << 20)));
    // The same place in every index up to 2 ** 20.
    const far = 2 ** 24;
    assert.equal(blocks.append(message(0, [1]), NaN), "stored");
    assert.equal(blocks.append(message(far, [1]), NaN), "stored");
    assert.equal(blocks.indexCapacity, 256);
    assert.equal(blocks.locate(0), NOT_HELD);
    assert.deepEqual(samplesOf(blocks, far, 1), [1, far]);
    for (let index = far; index < far + 1000; index++) {
      blocks.append(message(index, [1]), NaN);
    }
    assert.equal(blocks.indexCapacity, 1024);
    for (let index = far; index < far + 1000; index++) {
      assert.deepEqual(samplesOf(blocks, index, 1), [1, index]);
    }
  });

  it("has no place for an id beyond the last", () => {
    const blocks = partition(new PageRing(new Uint8Array(1 << 20)));
    assert.equal(
      blocks.append(message(0, [65_536, 4_294_967_295]), NaN),
      "stored",
    );
    assert.equal(samplesOf(blocks, 0, 65_535), null);
  });
});
