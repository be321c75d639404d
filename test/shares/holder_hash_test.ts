// The hash of holders, against the vectors that its authors publish.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { hashText } from "../../src/shares/holder_hash.ts";

/** HalfSipHash-2-4 of 64 bits, of the bytes 0, 1, 2 … with the key 0 … 7 (github.com/veorq/SipHash, vectors.h). */
const VECTORS: readonly (readonly [bytes: number, hash: string])[] = [
  [0, "218d1f59b9b83cc8"],
  [2, "064f39ef7c50eb57"],
  [4, "d5e78a175be52ea1"],
  [6, "ce3e91358aa2bc25"],
];
const KEYS = [0x03020100, 0x07060504];

function hex(words: Int32Array): string {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
    .toHex();
}

describe("the hash of a holder", () => {
  it("is HalfSipHash-2-4, twice", () => {
    const hash = new Int32Array(4);
    for (const [bytes, expected] of VECTORS) {
      let text = "";
      for (let i = 0; i < bytes; i += 2) {
        text += String.fromCharCode(i | (i + 1) << 8);
      }
      hashText(text, [...KEYS, ...KEYS], hash);
      assert.equal(hex(hash), expected + expected);
    }
  });

  it("depends on each key and each character", () => {
    const hashes = new Set<string>();
    const hash = new Int32Array(4);
    for (const text of ["10.0.0.1", "10.0.0.2", "10.0.0.11", "10.0.0.", ""]) {
      for (const keys of [[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 4, 3]]) {
        hashText(text, keys, hash);
        hashes.add(hex(hash));
      }
    }
    assert.equal(hashes.size, 15);
  });
});
