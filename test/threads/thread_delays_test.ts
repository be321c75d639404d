// How late the threads of a process are, as each of them sees it.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ThreadDelays } from "../../src/threads/thread_delays.ts";

describe("the delays of threads", () => {
  it("are what the others say of themselves", () => {
    const [reading, worker] = pair();
    worker.tick(70, 1000);
    reading.tick(5, 5_000_000);
    assert.deepEqual(reading.largestOfOthers(5_000_000), { thread: 0, ms: 70 });
    worker.tick(40, 1100);
    assert.deepEqual(worker.largestOfOthers(1100), { thread: -1, ms: 5 });
    assert.equal(reading.delayOf(0, 5_000_000), 40);
  });

  it("of a thread that hangs grow, by the clock of the one that looks", () => {
    const [reading, worker] = pair();
    worker.tick(0, 1000);
    for (let ms = 0; ms <= 3000; ms += 100) reading.tick(0, ms);
    const { thread, ms } = reading.largestOfOthers(3000);
    assert.equal(thread, 0);
    assert.ok(ms > 2500 && ms <= 3000, `${ms}`);
    worker.tick(0, 4000);
    reading.tick(0, 3100);
    assert.equal(reading.largestOfOthers(3100).ms, 0);
  });

  it("do not count threads that have not begun, or have ended", () => {
    const [reading, worker] = pair();
    reading.tick(0, 0);
    assert.equal(reading.largestOfOthers(9000).ms, 0);
    worker.tick(500, 0);
    reading.tick(0, 9000);
    assert.equal(reading.largestOfOthers(9000).ms, 500);
    reading.forget(0);
    reading.tick(0, 9100);
    assert.equal(reading.largestOfOthers(20_000).ms, 0);
    assert.equal(reading.delayOf(0, 20_000), 0);
  });
});

function pair(): [ThreadDelays, ThreadDelays] {
  const reading = new ThreadDelays(-1);
  return [reading, new ThreadDelays(0, reading.buffer)];
}
