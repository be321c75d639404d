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

  it("hands out rows of the others before, whatever came first", () => {
    const clock = { ms: 0 };
    const lanes = new LiveLanes(() => clock.ms);
    const served: string[] = [];
    for (const isLast of [true, false, true, false]) {
      lanes.add(group(isLast, 1, clock, served));
    }
    assert.equal(lanes.size, 4);
    assert.equal(lanes.run(Infinity), false);
    assert.deepEqual(served, ["first", "first", "last", "last"]);
    assert.equal(lanes.size, 0);
    assert.equal(lanes.busyMs, 0);
  });

  it("gives them a quarter of the time when there is too much to do for all", () => {
    const clock = { ms: 0 };
    const lanes = new LiveLanes(() => clock.ms);
    const served: string[] = [];
    lanes.add(group(true, 1000, clock, served));
    lanes.add(group(false, 1000, clock, served));
    for (let slice = 0; slice < 40; slice++) {
      assert.equal(lanes.run(clock.ms + 5), true);
    }
    const last = served.filter((name) => name === "last").length;
    assert.equal(last, served.length / 4);
    assert.equal(lanes.busyMs, clock.ms);
  });

  it("needs no other groups to hand them out", () => {
    const clock = { ms: 0 };
    const lanes = new LiveLanes(() => clock.ms);
    const served: string[] = [];
    lanes.add(group(true, 3, clock, served));
    while (lanes.run(clock.ms + 1));
    assert.equal(served.length, 3);
  });
});
