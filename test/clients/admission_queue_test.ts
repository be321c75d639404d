import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { AdmissionQueue } from "../../src/clients/admission_queue.ts";
import { CooperativeScheduler } from "../../src/clients/scheduler.ts";

/** Requests streams of so many channels; returns how many are admitted in each turn. */
async function turnsOf(channels: readonly number[]): Promise<number[]> {
  const rounds: (() => void)[] = [];
  const scheduler = new CooperativeScheduler({
    sliceMs: 4,
    clockMs: () => 0,
    later: (turn) => rounds.push(turn),
  });
  const admissionQueue = new AdmissionQueue(scheduler, {
    queuedMax: 1000,
    sharePercent: 100,
  });
  scheduler.setOrder(admissionQueue);
  let open = 0;
  for (const count of channels) {
    admissionQueue.waitForTurn("", count).then(() => open++);
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
});
