import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { KnownBytes } from "../../src/arrow/known_bytes.ts";
import { Random } from "../random.ts";

describe("KnownBytes", () => {
  it("finds equal bytes at any place in memory, and sees each bit that differs", () => {
    const random = new Random(1);
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, () => random.below(256));
      const known = new KnownBytes(bytes);
      const at = random.below(9);
      const memory = new Uint8Array(at + length + 3).fill(0xa5);
      memory.set(bytes, at);
      const message = new DataView(memory.buffer, at);
      assert.ok(known.begin(message));
      const exact = new DataView(memory.buffer, at, length);
      assert.ok(known.begin(exact));
      for (let bit = 0; bit < 8 * length; bit++) {
        memory[at + (bit >> 3)]! ^= 1 << (bit & 7);
        assert.ok(!known.begin(message), `bit ${bit} of ${length}`);
        memory[at + (bit >> 3)]! ^= 1 << (bit & 7);
      }
    }
  });

  it("keeps a copy, and no shorter message begins with it", () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const known = new KnownBytes(bytes);
    const message = new DataView(bytes.slice().buffer);
    bytes.fill(0);
    assert.ok(known.begin(message));
    assert.ok(!known.begin(new DataView(message.buffer, 0, 7)));
  });
});
