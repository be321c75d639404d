// Which samples have come, against a plain set, on seeded schedules of live, past and missing ones.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { SampleRing } from "../../src/page/samples.js";
import { Spans } from "../../src/page/spans.js";

describe("Spans", () => {
  it("hold what was added and not trimmed, in as few spans as there are breaks", () => {
    for (let seed = 1; seed <= 60; seed++) {
      let state = seed;
      const random = (below: number) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor(state / 2 ** 32 * below);
      };
      const spans = new Spans();
      const all = new Set<number>();
      for (let step = 0; step < 40; step++) {
        const from = random(200);
        const to = from + 1 + random(15);
        spans.add(from, to);
        for (let i = from; i < to; i++) all.add(i);
        if (random(6) === 0) {
          const oldest = random(60);
          spans.trim(oldest);
          for (const i of all) if (i < oldest) all.delete(i);
        }
        let breaks = 0;
        for (const i of all) if (!all.has(i - 1)) breaks++;
        assert.equal(spans.count, breaks, `seed ${seed}, step ${step}`);
        for (let i = 0; i < 220; i++) {
          assert.equal(spans.has(i, i + 1), all.has(i), `seed ${seed}: ${i}`);
          const five = [0, 1, 2, 3, 4].every((k) => all.has(i + k));
          assert.equal(spans.has(i, i + 5), five, `seed ${seed}: five of ${i}`);
        }
      }
    }
  });
});

describe("SampleRing.hasCome()", () => {
  it("distinguishes NaN that was sent from a missing sample, as far back as the ring reaches", () => {
    const ring = new SampleRing({ rate: 4, seconds: 4, kind: "float32" });
    ring.put(100, Float32Array.of(1, NaN, 3, NaN));
    ring.put(108, Float32Array.of(1, 2));
    assert.ok(ring.hasCome(100, 104));
    assert.ok(!ring.hasCome(100, 105));
    assert.ok(!ring.hasCome(104, 108));
    assert.ok(ring.hasCome(108, 110));
    ring.put(104, Float32Array.of(NaN, NaN, NaN, NaN));
    assert.ok(ring.hasCome(100, 110));
    ring.put(110, new Float32Array(10));
    assert.ok(!ring.hasCome(103, 104));
    assert.ok(ring.hasCome(104, 120));
  });
});

describe("SampleRing.takeFrom()", () => {
  it("takes what has come between two times, null and NaN among it, and nothing else", () => {
    const options = { rate: 4, seconds: 4 };
    const old = new SampleRing({ ...options, kind: "float32" });
    old.put(100, Float32Array.of(1, NaN, 3, 4));
    old.put(108, Float32Array.of(5, 6));
    // Around the end of the array.
    old.put(110, Float32Array.from({ length: 6 }, (_, i) => 7 + i));
    const fresh = new SampleRing({ ...options, kind: "float32" });
    fresh.takeFrom(old, 25.25, 28);
    assert.equal(fresh.end, 112);
    assert.deepEqual(
      [100, 101, 102, 103, 104, 107, 108, 111].map((i) => fresh.at(i)),
      [NaN, NaN, 3, 4, NaN, NaN, 5, 8],
    );
    assert.ok(fresh.hasCome(101, 104));
    assert.deepEqual(fresh.missing(99, 113), [
      { from: 99, to: 101 },
      { from: 104, to: 108 },
      { from: 112, to: 113 },
    ]);
  });

  it("keeps 64-bit integers with all their digits", () => {
    const options = { rate: 4, seconds: 4, kind: "int64" as const };
    const old = new SampleRing(options);
    const large = 2n ** 62n + 1n;
    old.put(100, [large, null, 3n]);
    const fresh = new SampleRing(options);
    fresh.takeFrom(old, 0, Infinity);
    assert.deepEqual(fresh.exactExtremes(100, 101), { min: large, max: large });
    assert.equal(fresh.exactExtremes(101, 102), null);
    assert.ok(fresh.hasCome(100, 103));
  });

  it("reports a change only to those that still listen", () => {
    const ring = new SampleRing({ rate: 4, seconds: 4, kind: "float32" });
    const reported: number[] = [];
    const end = ring.listen((from, to) => reported.push(from, to));
    ring.put(100, Float32Array.of(1));
    end();
    ring.put(101, Float32Array.of(1));
    assert.deepEqual(reported, [100, 101]);
  });
});
