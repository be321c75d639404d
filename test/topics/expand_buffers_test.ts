import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { describe, it } from "@std/testing/bdd";
import lz4 from "lz4js";
import type { MessageHeader } from "../../src/arrow/message_header.ts";
import { ExpandedBuffers } from "../../src/topics/expand_buffers.ts";

const LZ4 = 0;
const ZSTD = 1;
const CONTENT = Uint8Array.from({ length: 5000 }, (_, i) => i % 7);

/** A body of one buffer, and a header that leads to it. */
function packed(
  codec: number,
  bytes: Uint8Array,
  stated: number,
): [Uint8Array, MessageHeader] {
  const body = new Uint8Array(8 + bytes.length);
  new DataView(body.buffer).setBigInt64(0, BigInt(stated), true);
  body.set(bytes, 8);
  const buffer = () => ({ at: 0, bytes: body.length });
  return [body, { codec, buffer } as unknown as MessageHeader];
}

function expanded(
  [body, header]: [Uint8Array, MessageHeader],
  needed = CONTENT.length,
  limit = 100_000,
): Uint8Array {
  const buffers = new ExpandedBuffers(limit);
  const at = buffers.expand(body, header, 0, needed);
  return buffers.bytes.subarray(at, at + CONTENT.length);
}

describe("ExpandedBuffers", () => {
  it("expands LZ4 frames and zstd, and takes a buffer that is not compressed", () => {
    const { length } = CONTENT;
    const cases = [
      packed(LZ4, lz4.compress(CONTENT), length),
      packed(ZSTD, zstdCompressSync(CONTENT), length),
      packed(LZ4, CONTENT, -1),
    ];
    for (const one of cases) assert.deepEqual(expanded(one), CONTENT);
  });

  it("refuses another content than a buffer states", () => {
    for (
      const [codec, bytes] of [
        [LZ4, lz4.compress(CONTENT)],
        [ZSTD, zstdCompressSync(CONTENT)],
      ] as const
    ) {
      for (const stated of [CONTENT.length - 1, CONTENT.length + 1]) {
        assert.throws(() => expanded(packed(codec, bytes, stated), 1));
      }
      const damaged = bytes.slice(0, bytes.length - 9);
      assert.throws(() => expanded(packed(codec, damaged, CONTENT.length)));
    }
  });

  it("refuses less than is needed, more than the limit, and an unknown codec", () => {
    const { length } = CONTENT;
    const bytes = zstdCompressSync(CONTENT);
    assert.throws(
      () => expanded(packed(ZSTD, bytes, length), length + 1),
      /buffer 0 has 5000 bytes, needs 5001/,
    );
    assert.throws(
      () => expanded(packed(ZSTD, bytes, 2 ** 52)),
      /expand to more than 100000 bytes/,
    );
    assert.throws(
      () => expanded(packed(7, bytes, length)),
      /compression 7 is unknown; LZ4 frames and zstd are read/,
    );
  });

  it("counts all batches of a message together, and each message alone", () => {
    const one = packed(LZ4, lz4.compress(CONTENT), CONTENT.length);
    const buffers = new ExpandedBuffers(2 * CONTENT.length);
    for (let message = 0; message < 3; message++) {
      buffers.beginMessage();
      for (let batch = 0; batch < 2; batch++) {
        buffers.beginBatch();
        buffers.expand(...one, 0, CONTENT.length);
      }
      buffers.beginBatch();
      assert.throws(
        () => buffers.expand(...one, 0, CONTENT.length),
        /expand to more than/,
      );
    }
  });
});
