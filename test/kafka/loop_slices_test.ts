import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ByteBudget } from "../../src/kafka/byte_budget.ts";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import { SLICE_COST } from "../../src/kafka/loop_slices.ts";
import { Rounds } from "./batches.ts";

describe("LoopSlices", () => {
  it("lets one waiting task per round continue, in order", async () => {
    const rounds = new Rounds();
    const { slices } = rounds;
    const went: string[] = [];
    slices.spend(SLICE_COST);
    assert.ok(slices.isSpent);
    for (const name of ["a", "b", "c"]) {
      void slices.turn().then(() => {
        assert.ok(!slices.isSpent, "each has a slice of its own");
        went.push(name);
        slices.spend(SLICE_COST);
      });
    }
    for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      await rounds.next();
      assert.deepEqual(went, expected);
    }
    assert.equal(slices.peakCost, SLICE_COST);
  });

  it("begins each round with an empty slice, also for work that does not wait", async () => {
    const rounds = new Rounds();
    rounds.slices.spend(SLICE_COST);
    await rounds.next();
    assert.ok(!rounds.slices.isSpent);
  });
});

describe("KafkaTask", () => {
  it("counts its own time, not the time in which it waits", async () => {
    let ms = 0;
    const rounds = new Rounds();
    const work = new KafkaWork({ slices: rounds.slices, nowMs: () => ms });
    const task = work.task("decode");
    task.start();
    ms += 3;
    const turn = task.turn();
    ms += 1000;
    await rounds.next();
    await turn;
    ms += 4;
    task.stop();
    task.stop();
    assert.equal(work.time.decode, 0.007);
    assert.equal(work.time.deliver, 0);
  });
});

describe("ByteBudget", () => {
  it("serves requests in their order, a small one not before a large one", async () => {
    const budget = new ByteBudget(10);
    const got: string[] = [];
    const take = (name: string, bytes: number) =>
      budget.reserve(bytes).then(() => got.push(name));
    await take("a", 8);
    const rest = [take("b", 9), take("c", 1)];
    await Promise.resolve();
    assert.deepEqual(got, ["a"]);
    budget.release(8);
    await Promise.all(rest);
    assert.deepEqual(got, ["a", "b", "c"]);
    assert.equal(budget.heldBytes, 10);
    budget.release(10);
    assert.equal(budget.heldBytes, 0);
  });

  it("throws if more is requested than available, or more is released than was reserved", () => {
    const budget = new ByteBudget(10);
    assert.throws(() => budget.reserve(11), /11 bytes of 10/);
    assert.throws(() => budget.release(1), /1 bytes: only 0/);
  });
});
