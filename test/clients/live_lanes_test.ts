// Groups whose writes take longer come after the others, and still get their turn.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type LaneGroup, LiveLanes } from "../../src/clients/live_lanes.ts";

describe("LiveLanes", () => {
  /** Rows of a group until `rows` were handed out; each takes 1 ms of `clock`. */
  function group(
    isLast: boolean,
    rows: number,
    clock: { ms: number },
    served: string[],
  ): LaneGroup {
    let left = rows;
    return {
      isLast,
      pendingMs: 0,
      deliver: () => {
        clock.ms++;
        served.push(isLast ? "last" : "first");
        return --left > 0 ? "more" : "done";
      },
    };
  }

  /** A turn of the scheduler: each lane has its slice. Whether anything is left. */
  function turn(lanes: LiveLanes, clock: { ms: number }, sliceMs: number) {
    const isLeft = lanes.first.run(clock.ms + sliceMs);
    return lanes.last.run(clock.ms + sliceMs) || isLeft;
  }

  it("hands out rows of the others before, whatever came first", () => {
    const clock = { ms: 0 };
    const lanes = new LiveLanes(() => clock.ms);
    const served: string[] = [];
    for (const isLast of [true, false, true, false]) {
      lanes.add(group(isLast, 1, clock, served));
    }
    assert.equal(lanes.size, 4);
    assert.equal(turn(lanes, clock, Infinity), false);
    assert.deepEqual(served, ["first", "first", "last", "last"]);
    assert.equal(lanes.size, 0);
    assert.equal(lanes.busyMs, 0);
  });

  it("hands out all rows of the others before, row after row, though they take more than a slice", () => {
    const clock = { ms: 0 };
    const lanes = new LiveLanes(() => clock.ms);
    for (let row = 0; row < 20; row++) {
      const served: string[] = [];
      for (let i = 0; i < 6; i++) {
        lanes.add(group(true, 1, clock, served));
        lanes.add(group(false, 1, clock, served));
      }
      while (turn(lanes, clock, 4));
      assert.equal(served.lastIndexOf("first"), 5, `row ${row}`);
      assert.equal(served.length, 12);
    }
  });

  it("gives them a short slice in one turn of three when there is too much to do for all", () => {
    const clock = { ms: 0 };
    const lanes = new LiveLanes(() => clock.ms);
    const served: string[] = [];
    lanes.add(group(true, 1000, clock, served));
    lanes.add(group(false, 1000, clock, served));
    for (let turns = 0; turns < 30; turns++) {
      assert.equal(turn(lanes, clock, 4), true);
    }
    assert.equal(served.filter((name) => name === "first").length, 30 * 4);
    assert.equal(served.filter((name) => name === "last").length, 10);
    assert.equal(lanes.busyMs, clock.ms);
  });

  it("needs no other groups to hand them out, in short slices", () => {
    const clock = { ms: 0 };
    const lanes = new LiveLanes(() => clock.ms);
    const served: string[] = [];
    lanes.add(group(true, 3, clock, served));
    let turns = 1;
    while (turn(lanes, clock, 4)) turns++;
    assert.equal(served.length, 3);
    assert.equal(turns, 3);
  });
});
