import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { crc32, gunzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { crcJoin, crcOf, crcShift } from "../../src/frames/crc32.ts";
import { GZIP_HEAD, GzipTally, stored } from "../../src/frames/gzip.ts";

const text = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 3);

describe("crcJoin()", () => {
  it("is the CRC of both texts, for short and long texts", () => {
    for (const length of [0, 1, 7, 255, 256, 257, 65_535, 65_536, 200_001]) {
      const [first, second] = [
        text.subarray(0, 999),
        text.subarray(5, 5 + length),
      ];
      const joined = crcJoin(crcOf(first), crcOf(second), crcShift(length));
      assert.equal(joined >>> 0, crc32(Buffer.concat([first, second])));
    }
  });
});

describe("crcShift()", () => {
  it("is right from 16 MiB on (the trailer of such a text was wrong), and throws for lengths out of range", () => {
    const first = text.subarray(0, 999);
    for (const length of [2 ** 24 - 1, 2 ** 24, 2 ** 24 + 77, 2 ** 25 + 1]) {
      const second = new Uint8Array(length).fill(7);
      const joined = crcJoin(crcOf(first), crcOf(second), crcShift(length));
      assert.equal(joined >>> 0, crc32(second, crc32(first)));
    }
    for (const length of [-1, 2 ** 32, NaN]) {
      assert.throws(() => crcShift(length), RangeError);
    }
  });
});

describe("stored()", () => {
  it("makes the bytes of RFC 1951", () => {
    assert.deepEqual(
      [...stored(new TextEncoder().encode("id:"))],
      [0, 3, 0, 0xfc, 0xff, 0x69, 0x64, 0x3a],
    );
    assert.equal(stored(new Uint8Array(0)).byteLength, 0);
  });

  it("makes a valid gzip body of any texts, with the trailer of their tally", () => {
    const tally = new GzipTally();
    const parts: Uint8Array[] = [GZIP_HEAD];
    for (const length of [3, 0, 65_535, 65_536, 150_000]) {
      const part = text.subarray(length % 11, length % 11 + length);
      tally.addText(part);
      parts.push(stored(part));
    }
    parts.push(tally.trailer());
    const plain = gunzipSync(Buffer.concat(parts));
    assert.equal(plain.byteLength, 3 + 65_535 + 65_536 + 150_000);
  });
});
