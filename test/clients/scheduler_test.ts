import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Loop } from "./loop.ts";

let loop: Loop;

function counts(): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of loop.done) result[name] = (result[name] ?? 0) + 1;
  return result;
}

describe("CooperativeScheduler", () => {
  it("runNow() does at once what fits a slice, and requests no turn after it", () => {
    loop = new Loop();
    const live = loop.work("live", 3);
    loop.scheduler.setOrder(live);
    loop.scheduler.runNow(live);
    assert.deepEqual(counts(), { live: 3 });
    loop.goRound();
    assert.equal(loop.waiting, 0);
  });

  it("runNow() gives all calls of one round of the loop no more than one slice", () => {
    loop = new Loop();
    const live = loop.work("live", 0);
    loop.scheduler.setOrder(live);
    for (let call = 0; call < 10; call++) {
      live.left += 1;
      loop.scheduler.runNow(live);
    }
    assert.deepEqual(counts(), { live: 4 });
    loop.goRound();
    assert.deepEqual(counts(), { live: 8 });
    loop.goRound();
    assert.deepEqual(counts(), { live: 10 });
    loop.goRound();
    assert.equal(loop.waiting, 0);
  });

  it("runs each task for a slice per turn, in their order", () => {
    loop = new Loop();
    const live = loop.work("live", 10);
    const other = loop.work("other", 6);
    loop.scheduler.setOrder(live, other);
    loop.scheduler.schedule(other);
    loop.scheduler.schedule(live);
    assert.equal(loop.waiting, 1);
    loop.goRound();
    assert.deepEqual(loop.done, [
      ...Array(4).fill("live"),
      ...Array(4).fill("other"),
    ]);
    loop.goRound();
    loop.goRound();
    assert.deepEqual(counts(), { live: 10, other: 6 });
    assert.equal(loop.waiting, 0);
  });

  it("runs nothing once closed", () => {
    loop = new Loop();
    const live = loop.work("live", 10);
    loop.scheduler.setOrder(live);
    loop.scheduler.schedule(live);
    loop.scheduler.close();
    loop.goRound();
    assert.deepEqual(loop.done, []);
  });

  it("runNow() runs nothing once closed (blocks arrive until the store is closed)", () => {
    loop = new Loop();
    const live = loop.work("live", 10);
    loop.scheduler.setOrder(live);
    loop.scheduler.close();
    loop.scheduler.runNow(live);
    assert.equal(loop.waiting, 0);
    assert.deepEqual(loop.done, []);
  });
});
