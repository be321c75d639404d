import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { PageRing } from "../../src/memory/page_ring.ts";

describe("PageRing", () => {
  it("reserves aligned, contiguous bytes and never the same position twice", () => {
    const ring = new PageRing(new Uint8Array(8 * 1024), { pageBytes: 1024 });
    let last = -1;
    for (let i = 0; i < 1000; i++) {
      const bytes = 1 + (i * 37) % 3000;
      const position = ring.reserve(bytes);
      assert.ok(position > last);
      assert.equal(position % 64, 0);
      assert.ok(ring.byteOffset(position) + bytes <= ring.capacityBytes);
      assert.ok(ring.holds(position));
      last = position;
    }
  });

  it("reuses the oldest page as a whole, never that of a held record", () => {
    const ring = new PageRing(new Uint8Array(8 * 1024), { pageBytes: 1024 });
    const held: { position: number; value: number; bytes: number }[] = [];
    for (let i = 0; i < 2000; i++) {
      const bytes = 64 + (i * 101) % 2000;
      const position = ring.reserve(bytes);
      const at = ring.byteOffset(position);
      ring.bytes.fill(i & 255, at, at + bytes);
      held.push({ position, value: i & 255, bytes });
      for (const record of held) {
        if (!ring.holds(record.position)) continue;
        const from = ring.byteOffset(record.position);
        const part = ring.bytes.subarray(from, from + record.bytes);
        assert.ok(part.every((byte) => byte === record.value));
      }
      if (held.length > 200) held.splice(0, 100);
    }
    assert.ok(ring.reclaimedPages > 100);
    assert.ok(ring.occupiedBytes <= ring.capacityBytes);
  });

  it("returns −1 for a record that can never fit", () => {
    const ring = new PageRing(new Uint8Array(8 * 1024), { pageBytes: 1024 });
    assert.equal(ring.reserve(4097), -1);
    assert.equal(ring.reserve(NaN), -1);
    assert.equal(ring.headPosition, 0);
    assert.throws(
      () => new PageRing(new Uint8Array(4096), { pageBytes: 1000 }),
      /power of two/,
    );
    assert.throws(
      () => new PageRing(new Uint8Array(4096), { pageBytes: 1024 }),
      /8 pages/,
    );
  });
});
