// Slices that several tasks share: no turn of the event loop has more than one.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { TurnSlices } from "../../src/ingest/turn_slices.ts";

describe("slices of turns", () => {
  it("are shared by all tasks, however many wait (each had one of its own in the same turn)", async () => {
    let nowMs = 0;
    let turn = 0;
    const slices = new TurnSlices({ clockMs: () => nowMs, sliceMs: 4 });
    const workOfTurn = new Map<number, number>();
    const finished: number[] = [];
    const counting = setInterval(() => turn++, 0);
    await Promise.all(
      Array.from({ length: 20 }, async (_, task) => {
        for (let step = 0; step < 10; step++) {
          while (slices.isOver) await slices.next();
          nowMs++;
          workOfTurn.set(turn, (workOfTurn.get(turn) ?? 0) + 1);
        }
        finished.push(task);
      }),
    );
    clearInterval(counting);
    // The counter and the slices have timers of their own, so that two slices may see one count.
    assert.ok(Math.max(...workOfTurn.values()) <= 8);
    assert.deepEqual(finished, [...finished].sort((a, b) => a - b));
  });
});
