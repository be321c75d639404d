// Rings and envelopes against the plainest computation, on seeded schedules of live, past and missing samples.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Envelope } from "../../src/page/envelope.js";
import { SampleRing } from "../../src/page/samples.js";

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("SampleRing and Envelope", () => {
  it("hold what was put, whatever the order, and leave no sample out", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomOf(seed);
      const rate = [16, 100, 256][seed % 3]!;
      const ring = new SampleRing({ rate, seconds: 4, kind: "float64" });
      const envelope = new Envelope(ring);
      envelope.setGrid(7 + random() * 60, 300);
      const all = new Map<number, number>();
      let at = rate * 1000;
      let end = 0;
      for (let step = 0; step < 60; step++) {
        const count = 1 + Math.floor(random() * rate / 2);
        const isPast = random() < 0.3;
        if (random() < 0.2) at += Math.floor(random() * rate * 5);
        const first = isPast ? at - Math.floor(random() * rate * 6) : at;
        const samples = Float64Array.from(
          { length: count },
          () => random() < 0.1 ? NaN : random() * 100 - 50,
        );
        ring.put(first, samples);
        at = end = Math.max(end, first + count);
        samples.forEach((value, i) => {
          if (first + i >= end - ring.capacity) all.set(first + i, value);
        });
        assert.equal(ring.end, end);
        for (let i = ring.end - ring.capacity; i < ring.end; i++) {
          assert.equal(ring.at(i), all.get(i) ?? NaN, `seed ${seed}`);
        }
        const bins = envelope.binsPerS;
        const last = Math.floor(ring.endS * bins);
        for (let k = last - 20; k <= last; k++) {
          let min = Infinity;
          let max = -Infinity;
          for (let i = ring.end - ring.capacity; i < ring.end; i++) {
            const value = ring.at(i)!;
            if (Math.floor(i / rate * bins + 1e-9) !== k) continue;
            if (value < min) min = value;
            if (value > max) max = value;
          }
          const place = envelope.place(k);
          if (min > max) assert.equal(place, -1, `seed ${seed}, bin ${k}`);
          else {
            assert.equal(envelope.min[place], min, `seed ${seed}, bin ${k}`);
            assert.equal(envelope.max[place], max, `seed ${seed}, bin ${k}`);
          }
        }
      }
    }
  });

  for (const kind of ["float32", "float64", "int64"] as const) {
    it(`take 64-bit integers as ${kind}, and a row longer than themselves`, () => {
      const ring = new SampleRing({ rate: 4, seconds: 4, kind });
      ring.put(100, BigInt64Array.from({ length: 40 }, (_, i) => BigInt(i)));
      assert.equal(ring.end, 140);
      assert.equal(ring.at(139), 39);
      assert.equal(ring.at(124), 24);
      assert.equal(ring.at(123), NaN);
      ring.put(140, [7n, null]);
      assert.deepEqual([ring.at(140), ring.at(141)], [7, NaN]);
      ring.put(144, Float64Array.of(NaN, 9));
      assert.deepEqual([ring.at(142), ring.at(144), ring.at(145)], [
        NaN,
        NaN,
        9,
      ]);
    });
  }
});
