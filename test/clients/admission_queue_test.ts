import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { AdmissionQueue } from "../../src/clients/admission_queue.ts";
import { LocalSharePool } from "../../src/shares/local_share_pool.ts";
import { CooperativeScheduler } from "../../src/clients/scheduler.ts";
import { Loop } from "./loop.ts";

/** Requests streams of so many channels; returns how many are admitted in each turn. */
async function turnsOf(
  channels: readonly number[],
  trends = 0,
): Promise<number[]> {
  const rounds: (() => void)[] = [];
  const scheduler = new CooperativeScheduler({
    sliceMs: 4,
    clockMs: () => 0,
    later: (turn) => rounds.push(turn),
  });
  const admissionQueue = new AdmissionQueue(
    scheduler,
    new LocalSharePool({ capacity: 1000, sharePercent: 100 }),
  );
  scheduler.setOrder(admissionQueue);
  let open = 0;
  for (const count of channels) {
    admissionQueue.waitForTurn("", count, Array(trends)).then(() => open++);
  }
  const opened: number[] = [];
  while (rounds.length > 0) {
    const before = open;
    rounds.shift()!();
    await Promise.resolve();
    opened.push(open - before);
  }
  assert.equal(admissionQueue.size, 0);
  return opened;
}

describe("AdmissionQueue", () => {
  it("lets several small selections in a turn, first come, first served", async () => {
    assert.deepEqual(await turnsOf(Array(20).fill(1)), [8, 8, 4]);
  });

  it("lets one large selection in a turn, and no other one", async () => {
    assert.deepEqual(await turnsOf([10_000, 10_000, 1, 1, 10_000, 1]), [
      1,
      1,
      2,
      1,
      1,
    ]);
  });

  it("counts the channels of middling ones", async () => {
    assert.deepEqual(await turnsOf(Array(5).fill(300)), [2, 2, 1]);
  });

  it("counts channels of trends several times (eight selections of 64 took 25 ms of one turn)", async () => {
    assert.deepEqual(await turnsOf(Array(3).fill(64), 64), [1, 1, 1]);
    assert.deepEqual(await turnsOf(Array(10).fill(1), 1), [8, 2]);
  });

  it("lets eight proceed per turn, in their order, and all when closed", async () => {
    const loop = new Loop();
    const admissionQueue = new AdmissionQueue(
      loop.scheduler,
      new LocalSharePool({ capacity: 20, sharePercent: 100 }),
    );
    loop.scheduler.setOrder(admissionQueue);
    const opened: number[] = [];
    const all = Array.from(
      { length: 20 },
      (_, i) => admissionQueue.waitForTurn("", 1).then(() => opened.push(i)),
    );
    loop.goRound();
    await all[7];
    assert.deepEqual(opened, [0, 1, 2, 3, 4, 5, 6, 7]);
    loop.goRound();
    await all[15];
    assert.equal(admissionQueue.size, 4);
    admissionQueue.close();
    await Promise.all(all);
    assert.equal(opened.length, 20);
    assert.equal(await admissionQueue.waitForTurn("", 1), null);
  });

  it("refuses at once what is beyond its number, and of one address what is beyond its share", async () => {
    const loop = new Loop();
    const admissionQueue = new AdmissionQueue(
      loop.scheduler,
      new LocalSharePool({ capacity: 10, sharePercent: 50 }),
    );
    loop.scheduler.setOrder(admissionQueue);
    const a = Array.from(
      { length: 5 },
      () => admissionQueue.waitForTurn("10.0.0.1", 1),
    );
    assert.equal(await admissionQueue.waitForTurn("10.0.0.1", 1), "share");
    const b = Array.from(
      { length: 5 },
      (_, i) => admissionQueue.waitForTurn(`10.0.1.${i}`, 1),
    );
    assert.equal(await admissionQueue.waitForTurn("10.0.0.3", 1), "full");
    assert.equal(admissionQueue.size, 10);
    loop.goRound();
    loop.goRound();
    assert.deepEqual(await Promise.all([...a, ...b]), Array(10).fill(null));
    // Each place has come back.
    const again = Array.from(
      { length: 5 },
      () => admissionQueue.waitForTurn("10.0.0.1", 1),
    );
    admissionQueue.close();
    assert.deepEqual(await Promise.all(again), Array(5).fill(null));
  });
});
