// Dragging the time: the times that were taken stay under the pointers; what is read, and when the page is live again.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { slideTo } from "../../src/page/navigation.js";
import { Slide, spanUnder } from "../../src/page/slide.js";
import { emptyView } from "../../src/page/view.js";

const NEWEST_S = 1000;

/** A page of 10 s that keeps its calls. */
function played(endS: number | null) {
  const calls: string[] = [];
  const wanted: ({ fromS: number; toS: number } | null)[] = [];
  const series = {
    want: (span: { fromS: number; toS: number } | null) => wanted.push(span),
  };
  const page = {
    view: { ...emptyView(), spanS: 10, endS },
    feed: { newestS: NEWEST_S, series: new Map([["A", series]]) },
    get edgeS() {
      return this.view.endS ?? NEWEST_S;
    },
    slide(changes: object) {
      calls.push("slide");
      Object.assign(this.view, changes);
    },
    go({ changes, isHere }: { changes: object; isHere: boolean }) {
      calls.push(isHere ? "pause" : "go");
      Object.assign(this.view, changes);
    },
  };
  // deno-lint-ignore no-explicit-any -- of the page it needs these parts only
  return { page, calls, wanted, slide: new Slide(page as any) };
}

describe("dragging the time", () => {
  it("keeps one time under one finger, and two under two", () => {
    assert.deepEqual(spanUnder([102], [0.7], 10), { fromS: 95, toS: 105 });
    assert.deepEqual(spanUnder([104, 106], [0.25, 0.75], 10), {
      fromS: 103,
      toS: 107,
    });
    // Fingers that meet or cross do not turn the time round.
    const { fromS, toS } = spanUnder([104, 106], [0.5, 0.4], 10);
    assert.ok(toS - fromS > 0 && toS - fromS <= 40, `${fromS} ${toS}`);
  });

  it("shows no time after the newest, and no span that is too short or too long", () => {
    assert.deepEqual(slideTo({ fromS: 95, toS: 105 }, 100), {
      spanS: 10,
      endS: 100,
      speed: null,
    });
    assert.equal(slideTo({ fromS: 5, toS: 5.001 }, 100).spanS, 0.02);
    assert.equal(slideTo({ fromS: 0, toS: 1e6 }, 100).spanS, 86_400);
  });

  it("pauses a live page, moves, and reads at the end", () => {
    const { page, calls, slide, wanted } = played(null);
    slide.grab([0.5]);
    slide.drag([0.7]);
    assert.equal(page.view.endS, 998);
    assert.deepEqual(wanted, [{ fromS: 988, toS: 998 }]);
    slide.drag([0.9]);
    assert.equal(page.view.endS, 996);
    slide.end();
    assert.deepEqual(calls, ["pause", "slide", "slide", "go"]);
    assert.equal(page.view.endS, 996);
  });

  it("is live again where the newest time is at the right edge", () => {
    for (const endS of [null, 998]) {
      const { page, slide } = played(endS);
      slide.grab([0.9]);
      slide.drag([0.2]);
      assert.equal(page.view.endS, NEWEST_S);
      slide.end();
      assert.equal(page.view.endS, null);
    }
    // A finger that did not move.
    const { page, slide } = played(null);
    slide.grab([0.5]);
    slide.end();
    assert.equal(page.view.endS, null);
  });

  it("zooms around the pointer", () => {
    const { page, slide } = played(500);
    slide.zoom(0.2, 0.5);
    assert.deepEqual([page.view.spanS, page.view.endS], [5, 496]);
    slide.pan(0.5);
    assert.deepEqual([page.view.spanS, page.view.endS], [5, 498.5]);
    slide.end();
  });
});
