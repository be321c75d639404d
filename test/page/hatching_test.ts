// What has come and cannot be drawn is found and hatched with its reason, at its own time.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { Colours } from "../../src/page/dom.js";
import {
  holesOf,
  NOT_FINITE,
  paintGaps,
  stripOf,
} from "../../src/page/hatching.js";
import { Envelope } from "../../src/page/envelope.js";
import { SampleRing } from "../../src/page/samples.js";

const COLOURS = { gap: "gap", gapText: "text", back: "back" } as Colours;

describe("holesOf()", () => {
  it("makes one span of neighbours, up to both ends", () => {
    const isHole = (k: number) => [10, 11, 14, 19, 20].includes(k);
    const columns = { first: 10, last: 19, perS: 2 };
    const spans = holesOf(columns, isHole);
    assert.deepEqual(spans.map(({ fromS, toS }) => [fromS, toS]), [
      [5, 6],
      [7, 7.5],
      [9.5, 10],
    ]);
    for (const { reason } of spans) assert.equal(reason, NOT_FINITE);
    const middles = holesOf({ ...columns, lead: 0.5 }, isHole);
    assert.deepEqual(middles[0], {
      fromS: 4.75,
      toS: 5.75,
      reason: NOT_FINITE,
    });
  });
});

describe("Envelope.isHole()", () => {
  it("is so where samples have come and none is finite, and not where none have come", () => {
    const ring = new SampleRing({ rate: 8, seconds: 10, kind: "float32" });
    ring.put(800, Float32Array.of(1, 2, NaN, NaN, NaN, 3, Infinity, Infinity));
    ring.put(810, Float32Array.of(NaN, NaN));
    const envelope = new Envelope(ring);
    envelope.setGrid(4, 100);
    const holes = [400, 401, 402, 403, 404, 405, 406].map((k) =>
      envelope.isHole(k)
    );
    assert.deepEqual(holes, [false, true, false, true, false, true, false]);
    ring.put(808, Float32Array.of(NaN, 5));
    ring.put(810, Float32Array.of(NaN, 5));
    assert.equal(envelope.isHole(404), false);
    assert.equal(envelope.isHole(405), false);
  });
});

describe("paintGaps()", () => {
  it("fills a span and the time around it, and hatches what is wide enough to be seen", () => {
    (globalThis as { devicePixelRatio?: number }).devicePixelRatio = 1;
    const filled: [number, number][] = [];
    let strokes = 0;
    const ctx = new Proxy({} as Record<string, unknown>, {
      get: (_, name) => {
        if (name === "fillRect") {
          return (x: number, _y: number, w: number) => filled.push([x, x + w]);
        }
        if (name === "stroke") return () => strokes++;
        return name === "measureText" ? () => ({ width: 1e9 }) : () => {};
      },
    }) as never;
    const bbox = { left: 100, top: 0, width: 1000, height: 50 };
    const gap = { fromS: 2, toS: 4, reason: "late" };
    const span = { fromS: 0, toS: 10, colours: COLOURS };
    paintGaps({ ctx, bbox }, [gap], span);
    assert.deepEqual(filled.splice(0), [[300, 500]]);
    paintGaps({ ctx, bbox }, [gap], { ...span, aroundS: 0.5 });
    assert.deepEqual(filled.splice(0), [[250, 550]]);
    // Around it, so that it reaches into the plot.
    const before = { ...gap, fromS: -2, toS: 0 };
    paintGaps({ ctx, bbox }, [before], { ...span, aroundS: 0.5 });
    assert.deepEqual(filled.splice(0), [[100, 150]]);
    assert.equal(strokes, 3);
    paintGaps({ ctx, bbox }, [{ ...gap, toS: 2.02 }], span);
    assert.deepEqual(filled, [[300, 302]]);
    assert.equal(strokes, 3);
  });
});

describe("stripOf()", () => {
  it("gives each channel a strip of its own, within the plot", () => {
    (globalThis as { devicePixelRatio?: number }).devicePixelRatio = 2;
    const bbox = { left: 10, top: 20, width: 300, height: 100 };
    const ctx = {} as never;
    for (const count of [2, 3, 8]) {
      let bottom = 120;
      for (let i = count - 1; i >= 0; i--) {
        const strip = stripOf({ ctx, bbox }, i, count).bbox;
        assert.ok(Math.abs(strip.top + strip.height - bottom) < 1e-9);
        assert.ok(strip.height > 10 && strip.height <= 32);
        bottom = strip.top;
      }
      assert.ok(bottom >= 20 - 1e-9);
    }
  });
});
