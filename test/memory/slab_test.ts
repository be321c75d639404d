import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { POISON, Slab } from "../../src/memory/slab.ts";

describe("Slab", () => {
  it("throws on a double release and on any use of a vacant slot", () => {
    const slab = new Slab({ budgetBytes: 1 << 20 });
    const handle = slab.claim(1000);
    slab.retain(handle);
    slab.release(handle);
    slab.release(handle);
    assert.throws(() => slab.release(handle), /Cannot release slot 0/);
    assert.throws(() => slab.retain(handle), /Cannot retain/);
    assert.throws(() => slab.view(handle), /Cannot view/);
    assert.throws(() => slab.release(-1), /Cannot release/);
    assert.throws(() => slab.release(1e9), /Cannot release/);
  });

  it("poisons a slot at its last release, and no byte of its neighbours", () => {
    const slab = new Slab({ budgetBytes: 1 << 20, poison: true });
    const [before, handle, behind] = [0, 1, 2].map(() => slab.claim(1000));
    const views = [before!, handle!, behind!].map((h) => slab.view(h));
    for (const view of views) view.fill(1);
    slab.retain(handle!);
    slab.release(handle!);
    assert.ok(views[1]!.every((byte) => byte === 1));
    slab.release(handle!);
    assert.ok(views[1]!.every((byte) => byte === POISON));
    assert.ok(views[0]!.every((byte) => byte === 1));
    assert.ok(views[2]!.every((byte) => byte === 1));
  });

  it("returns −1 for a claim beyond the budget", () => {
    const slab = new Slab({ budgetBytes: 64 * 1024 });
    const handles: number[] = [];
    for (
      let handle = slab.claim(4096);
      handle >= 0;
      handle = slab.claim(4096)
    ) {
      handles.push(handle);
    }
    assert.equal(handles.length, 16);
    assert.equal(slab.committedBytes, 64 * 1024);
    slab.release(handles.pop()!);
    assert.ok(slab.claim(4096) >= 0);
    assert.equal(slab.claim(17 * 1024 * 1024), -1);
  });

  it("lets a size class without vacant slots take over vacant chunks of others, never one with a claimed slot", () => {
    const slab = new Slab({ budgetBytes: 1 << 20 });
    const fill = (bytes: number) => {
      const handles: number[] = [];
      for (let h = slab.claim(bytes); h >= 0; h = slab.claim(bytes)) {
        handles.push(h);
      }
      return handles;
    };
    const first = fill(8192);
    assert.equal(first.length, 128);
    // One slot of each chunk of 32 stays claimed, so no chunk can be taken over.
    const pinned = first.filter((_, i) => i % 32 === 0);
    first.forEach((h, i) => i % 32 === 0 || slab.release(h));
    assert.equal(slab.claim(12_000), -1);
    pinned.forEach((h, i) => slab.view(h).fill(i + 1));
    slab.release(pinned.shift()!);
    const second = fill(12_000);
    assert.equal(second.length, 21);
    for (const h of second) slab.view(h).fill(255);
    pinned.forEach((h, i) =>
      assert.ok(slab.view(h).every((byte) => byte === i + 2))
    );
    for (const h of [...second, ...pinned]) slab.release(h);
    assert.ok(slab.claim(1 << 20) >= 0, "all of it for one large frame");
    assert.equal(slab.usedBytes, 1 << 20);
    assert.ok(slab.givenUpChunks >= 4);
    assert.ok(slab.committedBytes <= slab.budgetBytes);
  });

  it("claims for every size a slot that is large enough and has at most a fifth unused", () => {
    const slab = new Slab({ budgetBytes: 1 << 28 });
    for (let bytes = 1; bytes <= 1 << 24; bytes = Math.ceil(bytes * 1.07)) {
      const handle = slab.claim(bytes);
      const got = slab.slotBytes(handle);
      assert.ok(got >= bytes, `${bytes} in ${got}`);
      if (bytes > 256) assert.ok(got <= bytes * 1.25 + 1, `${bytes} in ${got}`);
      slab.release(handle);
    }
  });

  it("never lets two live slots overlap, over 50,000 seeded claims and releases", () => {
    const slab = new Slab({ budgetBytes: 4 << 20 });
    const live: { handle: number; mark: number; bytes: number }[] = [];
    let seed = 5;
    const random = () =>
      (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    for (let i = 0; i < 50_000; i++) {
      if (random() < 0.55) {
        const bytes = 1 + Math.floor(random() ** 4 * 60_000);
        const handle = slab.claim(bytes);
        if (handle < 0) continue;
        const mark = i & 255;
        const view = slab.view(handle, bytes);
        view[0] = view[bytes - 1] = mark;
        live.push({ handle, mark, bytes });
      } else if (live.length > 0) {
        const at = Math.floor(random() * live.length);
        const { handle, mark, bytes } = live.splice(at, 1)[0]!;
        const view = slab.view(handle, bytes);
        assert.equal(view[0], mark);
        assert.equal(view[bytes - 1], mark);
        slab.release(handle);
      }
      assert.equal(slab.usedSlots, live.length);
    }
    assert.throws(() => slab.assertEmpty(), /slots are claimed/);
    for (const { handle } of live) slab.release(handle);
    slab.assertEmpty();
    assert.equal(slab.usedBytes, 0);
  });

  it("accepts reservations up to its budget", () => {
    const slab = new Slab({ budgetBytes: 1000 });
    assert.ok(slab.reserve(600));
    assert.ok(!slab.reserve(600));
    assert.throws(() => slab.unreserve(700), /only 600/);
    assert.throws(() => slab.assertEmpty(), /600 bytes reserved/);
    slab.unreserve(600);
    slab.assertEmpty();
  });
});
