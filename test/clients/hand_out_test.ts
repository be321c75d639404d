// What is handed out in which round of the loop.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { HandOut } from "../../src/clients/hand_out.ts";
import type { ClientLifecycle } from "../../src/clients/lifecycle.ts";
import { LiveLanes } from "../../src/clients/live_lanes.ts";
import type { TrendRecorder } from "../../src/trends/trend_recorder.ts";
import { Loop } from "./loop.ts";

function setUp() {
  const loop = new Loop();
  const { scheduler } = loop;
  const liveQueue = new LiveLanes(scheduler.clockMs);
  const counters = { encodeSeconds: 0, writeSeconds: 0 };
  const handOut = new HandOut({
    scheduler,
    liveQueue,
    lifecycle: { books: { counters } } as unknown as ClientLifecycle,
    trends: { isDue: false } as TrendRecorder,
  });
  scheduler.setOrder(handOut.first, handOut.last);
  /** A row of each of `names` has been released; each takes a millisecond. */
  const release = (isLast: boolean, ...names: string[]) => {
    for (const name of names) {
      liveQueue.add({
        isLast,
        pendingMs: 0,
        deliver: () => {
          loop.nowMs++;
          loop.done.push(name);
          return "done";
        },
      });
    }
  };
  return { loop, liveQueue, handOut, counters, release };
}

describe("HandOut", () => {
  it("hands out at once, but what is slow to write only after all that comes in the same round", () => {
    const { loop, handOut, release, counters } = setUp();
    release(true, "flight a");
    release(false, "http a");
    handOut.rowsReleased();
    release(true, "flight b");
    release(false, "http b");
    handOut.rowsReleased();
    assert.deepEqual(loop.done, ["http a", "http b"]);
    loop.goRound();
    loop.goRound();
    assert.deepEqual(loop.done.slice(2), ["flight a", "flight b"]);
    assert.equal(loop.waiting, 0);
    assert.equal(counters.writeSeconds, 0.004);
  });

  it("hands out what does not fit a slice before what is slow to write", () => {
    const { loop, handOut, release } = setUp();
    release(true, "flight");
    release(false, "a", "b", "c", "d", "e");
    handOut.rowsReleased();
    assert.equal(loop.done.join(), "a,b,c,d");
    loop.goRound();
    assert.equal(loop.done.join(), "a,b,c,d,e,flight");
  });
});
