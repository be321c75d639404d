import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { LiveQueue, type QueuedGroup } from "../../src/clients/live_queue.ts";

describe("LiveQueue", () => {
  /** A group whose rows `from` to `to` (exclusive) are pending, and which notes each. */
  function group(
    name: string,
    from: number,
    to: number,
    served: string[],
  ): QueuedGroup {
    const queued = {
      pendingMs: from,
      deliver: () => {
        served.push(`${name}${queued.pendingMs++}`);
        return queued.pendingMs < to ? "more" as const : "done" as const;
      },
    };
    return queued;
  }

  function ofOutcomes(
    deliver: () => ReturnType<QueuedGroup["deliver"]>,
  ): QueuedGroup {
    return { pendingMs: 0, deliver };
  }

  it("hands out a row of each group before the next row of any", () => {
    const liveQueue = new LiveQueue();
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) {
      liveQueue.add(group(name, 1, 3, served));
    }
    assert.equal(liveQueue.run(Infinity), false);
    assert.deepEqual(served.slice(0, 3).sort(), ["a1", "b1", "c1"]);
    assert.deepEqual(served.slice(3).sort(), ["a2", "b2", "c2"]);
    assert.equal(liveQueue.size, 0);
  });

  it("serves groups with the same row one after the other, older rows first (each text was made again)", () => {
    const liveQueue = new LiveQueue();
    const served: string[] = [];
    for (let i = 0; i < 20; i++) {
      liveQueue.add(
        group("g", i % 2 === 0 ? 7 : 3, i % 2 === 0 ? 8 : 4, served),
      );
    }
    assert.equal(liveQueue.run(Infinity), false);
    assert.deepEqual(served.slice(0, 10), new Array(10).fill("g3"));
    assert.deepEqual(served.slice(10), new Array(10).fill("g7"));
  });

  for (
    const [what, from] of [
      ["side by side", [10, 11, 12, 13, 14, 15, 16, 17]],
      ["with others between", [10, 10.5, 13, 14.25, 17]],
      ["far from each other", [10, 20]],
    ] as const
  ) {
    it(`brings together those whose rows lie apart, ${what} (they stayed apart permanently)`, () => {
      const liveQueue = new LiveQueue();
      const served: string[] = [];
      for (const row of from) liveQueue.add(group("g", row, row + 90, served));
      assert.equal(liveQueue.run(Infinity), false);
      assert.equal(served.length, 90 * from.length);
      // Of those that need whole rows, all are at the same one from the middle on.
      const whole = served.slice(served.length >> 1)
        .filter((name) => !name.includes("."));
      const ofRow = new Map<string, number[]>();
      whole.forEach((name, i) =>
        ofRow.set(name, [...ofRow.get(name) ?? [], i])
      );
      for (const [name, at] of ofRow) {
        assert.equal(at.at(-1)! - at[0]!, at.length - 1, `${name}: ${at}`);
      }
    });
  }

  it("makes no group wait for another one's backlog, only for two rows of each per pass", () => {
    const liveQueue = new LiveQueue();
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) {
      liveQueue.add(group(name, 1, 50, served));
    }
    liveQueue.add(group("live", 48, 49, served));
    assert.equal(liveQueue.run(Infinity), false);
    assert.equal(served.indexOf("live48"), 6);
  });

  it("makes a group that comes just after the start of a pass wait for that pass and older rows of the next one", () => {
    let nowMs = 0;
    const liveQueue = new LiveQueue(() => nowMs++);
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) {
      liveQueue.add(group(name, 1, 50, served));
    }
    // The clock is looked at behind the first.
    nowMs = 10;
    assert.equal(liveQueue.run(0), true);
    liveQueue.add(group("live", 48, 49, served));
    assert.equal(liveQueue.run(Infinity), false);
    assert.equal(served.indexOf("live48"), 3 + 6);
  });

  it("busyMs says for how long it has had rows", () => {
    let nowMs = 100;
    const liveQueue = new LiveQueue(() => nowMs);
    assert.equal(liveQueue.busyMs, 0);
    liveQueue.add(group("a", 1, 3, []));
    nowMs = 120;
    liveQueue.add(group("b", 1, 2, []));
    assert.equal(liveQueue.busyMs, 20);
    // A row of one, and of the other; the first has one more.
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), true);
    nowMs = 150;
    assert.equal(liveQueue.busyMs, 50);
    assert.equal(liveQueue.run(0), false);
    assert.equal(liveQueue.busyMs, 0);
    liveQueue.add(group("a", 3, 4, []));
    nowMs = 160;
    assert.equal(liveQueue.busyMs, 10);
  });

  it("takes a group that comes meanwhile into the next pass", () => {
    const liveQueue = new LiveQueue(() => 100);
    const served: string[] = [];
    for (const name of ["a", "b"]) liveQueue.add(group(name, 1, 2, served));
    assert.equal(liveQueue.run(0), true);
    liveQueue.add(group("c", 1, 2, served));
    assert.equal(liveQueue.size, 2);
    assert.equal(liveQueue.run(Infinity), false);
    assert.equal(served.at(-1), "c1");
  });

  it("continues with the group whose slice ended", () => {
    const liveQueue = new LiveQueue();
    const outcomes = ["time-up", "time-up", "done"] as const;
    let next = 0;
    liveQueue.add(ofOutcomes(() => outcomes[next++]!));
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), false);
  });

  it("stops when the time is up though no group is long (it went through all groups at once)", () => {
    let nowMs = 0;
    const liveQueue = new LiveQueue(() => nowMs);
    const deliver = () => {
      nowMs++;
      return "done" as const;
    };
    for (let i = 0; i < 10; i++) {
      liveQueue.add(ofOutcomes(deliver));
    }
    assert.equal(liveQueue.run(4), true);
    assert.equal(nowMs, 4);
    assert.equal(liveQueue.run(8), true);
    assert.equal(liveQueue.run(12), false);
    assert.equal(nowMs, 10);
  });

  it("serves one group each time, however late it is", () => {
    const served: string[] = [];
    const liveQueue = new LiveQueue(() => 100);
    liveQueue.add(group("a", 1, 2, served));
    liveQueue.add(group("b", 1, 2, served));
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), false);
    assert.equal(served.length, 2);
  });
});
