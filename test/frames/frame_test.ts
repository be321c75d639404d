// The envelope of a chunk around a body: its size as others read it, and where the body and its samples begin.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { Timeline } from "../../src/blocks/timeline.ts";
import { chunkOf, ENVELOPE_HEAD_BYTES, Frame } from "../../src/frames/frame.ts";
import { RowEncoders } from "../../src/frames/row_encoders.ts";
import { Slab } from "../../src/memory/slab.ts";
import { channels, emptyBlocks, STRIDE_NS } from "./two_channels.ts";

const SAMPLES = 128;
const decoder = new TextDecoder();

/** Samples that are found nowhere else in a frame. */
const series = channels.map((_, c) =>
  Int16Array.from({ length: SAMPLES }, (_, i) => 12_345 + 1000 * c + 7 * i)
);

describe("the envelope of a frame", () => {
  it("states the size of any body, as 14 digits", () => {
    for (const bytes of [0, 1, 15, 16, 4096, 70_001, 1 << 20]) {
      const text = decoder.decode(chunkOf(new Uint8Array(bytes).fill(65)));
      const [, size, body] = text.match(/^([\da-f]{14})\r\n(A*)\r\n$/) ?? [];
      assert.equal(parseInt(size!, 16), bytes);
      assert.equal(body!.length, bytes);
    }
  });

  it("leaves the body where it is expected", () => {
    const slab = new Slab({ budgetBytes: 1 << 20 });
    const frame = Frame.of(slab, Uint8Array.of(1, 2, 3))!;
    assert.deepEqual([...frame.body], [1, 2, 3]);
    assert.equal(
      frame.body.byteOffset - frame.chunk.byteOffset,
      ENVELOPE_HEAD_BYTES,
    );
    frame.release();
    slab.assertEmpty();
  });
});

describe("samples in a frame", () => {
  const blocks = emptyBlocks();
  const ids = channels.map((c) => c.partitionIndex);
  blocks.append(encodeBlock(0n, "int16", ids, series), NaN);
  const timeline = new Timeline([blocks], STRIDE_NS, 0);
  const slab = new Slab({ budgetBytes: 1 << 20 });

  for (const format of ["arrow", "flight"] as const) {
    it(`begin at a multiple of 8, as in the page ring: ${format}`, () => {
      const frame = new RowEncoders(slab).of({
        timeline,
        channels,
        format,
        coding: "identity",
        codec: null,
        trend: null,
      }).encode(0)!;
      for (const samples of series) {
        const at = frame.chunk.byteOffset + placeOf(samples, frame.chunk);
        assert.equal(at % 8, 0);
      }
      frame.release();
    });
  }
});

/** Byte offset of these samples. */
function placeOf(samples: Int16Array, bytes: Uint8Array): number {
  const wanted = [...new Uint8Array(samples.buffer)];
  const at = bytes.findIndex((_, i) =>
    wanted.every((byte, k) => bytes[i + k] === byte)
  );
  assert.ok(at >= 0, "the samples are there");
  return at;
}
