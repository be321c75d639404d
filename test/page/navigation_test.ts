// Pausing, zooming and panning, as pure changes of a view; acts on plots.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  endPlaying,
  goTo,
  live,
  pan,
  pause,
  play,
  spanOf,
  zoom,
  zoomTo,
} from "../../src/page/navigation.js";
import { emptyView } from "../../src/page/view.js";

const LIVE = { ...emptyView(), spanS: 10 };
const PAUSED = { ...LIVE, endS: 1000 };

describe("navigation", () => {
  it("pauses at the edge and goes live again", () => {
    assert.deepEqual(pause(LIVE, 1234.56789012), {
      changes: { endS: 1234.56789, speed: null },
      isHere: true,
    });
    assert.deepEqual(pause(PAUSED, 1000).changes, {
      endS: null,
      speed: null,
      spanS: 10,
    });
    assert.equal(live({ ...PAUSED, spanS: 0.1 }).changes.spanS, 2);
  });

  it("zooms to round spans while live, around the middle while paused", () => {
    assert.deepEqual(zoom(LIVE, 1000, 1).changes, { spanS: 20 });
    assert.deepEqual(zoom(LIVE, 1000, -1).changes, { spanS: 5 });
    assert.deepEqual(zoom({ ...LIVE, spanS: 86_400 }, 1000, 1).changes, {});
    assert.deepEqual(zoom(PAUSED, 1000, -1), {
      changes: { spanS: 5, endS: 997.5, speed: null },
      isHere: true,
    });
    assert.deepEqual(zoom(PAUSED, 1000, 1), {
      changes: { spanS: 20, endS: 1005, speed: null },
      isHere: false,
    });
  });

  it("takes a span that is chosen, up to now or around what is shown", () => {
    assert.deepEqual(spanOf(LIVE, 1234, 3600).changes, { spanS: 3600 });
    assert.deepEqual(spanOf(PAUSED, 1000, 3600), {
      changes: { spanS: 3600, endS: 2795, speed: null },
      isHere: false,
    });
    assert.equal(spanOf(PAUSED, 1000, 2).isHere, true);
  });

  it("goes to a time in the middle, and shows no future", () => {
    const newestS = 2000;
    assert.equal(goTo(LIVE, { gpsS: 1500, newestS }).changes.endS, 1505);
    assert.equal(goTo(LIVE, { gpsS: 1999, newestS }).changes.endS, 2000);
    assert.equal(goTo(LIVE, { gpsS: 1500, newestS }).isHere, false);
  });

  it("plays, pauses where it is, and plays on with another span", () => {
    assert.deepEqual(play(1500, 4).changes, { endS: 1500, speed: 4 });
    const playing = { ...PAUSED, speed: 4 };
    assert.deepEqual(pause(playing, 1234), {
      changes: { endS: 1234, speed: null },
      isHere: true,
    });
    // Back after the end would play again, and end again.
    const end = endPlaying(playing, 1234);
    assert.deepEqual([end.changes.endS, end.isSameStep], [1234, true]);
    const newest = endPlaying(playing, null);
    assert.deepEqual([newest.changes.endS, newest.isSameStep], [null, true]);
    const longer = zoom(playing, 1234, 1);
    assert.deepEqual(longer.changes, { spanS: 20, endS: 1239, speed: 4 });
    assert.equal(spanOf(playing, 1234, 2).isHere, false);
    const before = pan(playing, 1234, { direction: -1, newestS: 2000 });
    assert.equal(before.changes.speed, null);
  });

  it("knows whether a span is on the screen, and has limits", () => {
    assert.equal(zoomTo(LIVE, 1000, { fromS: 995, toS: 999 }).isHere, true);
    assert.equal(zoomTo(LIVE, 1000, { fromS: 985, toS: 999 }).isHere, false);
    const least = zoomTo(LIVE, 1000, { fromS: 995, toS: 995 }).changes;
    assert.deepEqual(least, { spanS: 0.02, endS: 995.01, speed: null });
  });

  it("pans by a quarter, and is live again beyond the newest", () => {
    const earlier = pan(LIVE, 1000, { direction: -1, newestS: 1000 });
    assert.deepEqual(earlier.changes, { endS: 997.5, speed: null });
    const later = { direction: 1 as const, newestS: 1002 };
    assert.deepEqual(pan(PAUSED, 1000, later).changes.endS, null);
    assert.deepEqual(
      pan({ ...PAUSED, spanS: 4 }, 1000, later).changes.endS,
      1001,
    );
  });
});
