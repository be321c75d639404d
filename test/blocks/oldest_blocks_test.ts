// How often a source is asked since when it has blocks. The test controls the clock and the timers.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import {
  OLDEST_KEPT_MS,
  OldestBlocks,
} from "../../src/blocks/oldest_blocks.ts";

let nowMs: number;
let asked: string[];
let answers: PromiseWithResolvers<number | null>[];
let timers: Map<() => void, number>;
let oldest: OldestBlocks;

beforeEach(() => {
  nowMs = 0;
  asked = [];
  answers = [];
  timers = new Map();
  oldest = new OldestBlocks({
    source: {
      oldestMs: (topic) => {
        asked.push(topic);
        const answer = Promise.withResolvers<number | null>();
        answers.push(answer);
        return answer.promise;
      },
    },
    clockMs: () => nowMs,
    timer: (call, ms) => {
      timers.set(call, ms);
      return () => timers.delete(call);
    },
  });
});

/** Answers the question of this number. */
async function answer(number: number, oldestMs: number | null): Promise<void> {
  answers[number]!.resolve(oldestMs);
  await settled();
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

describe("OldestBlocks", () => {
  it("asks once for all that ask at the same time, and again when the answer is old", async () => {
    const all = [oldest.of("a"), oldest.of("a"), oldest.of("a")];
    assert.deepEqual(asked, ["a"]);
    await answer(0, 5);
    assert.deepEqual(await Promise.all(all), [5, 5, 5]);
    assert.equal(timers.size, 0);
    nowMs = OLDEST_KEPT_MS - 1;
    assert.equal(await oldest.of("a"), 5);
    assert.deepEqual(asked, ["a"]);
    nowMs++;
    const again = oldest.of("a");
    await answer(1, 7);
    assert.equal(await again, 7);
    assert.deepEqual(oldest.counters, { answered: 2, failed: 0, limited: 0 });
  });

  it("asks for four topics at a time, and answers what it knew before for others", async () => {
    for (const topic of ["a", "b", "c", "d"]) oldest.of(topic);
    assert.equal(await oldest.of("e"), null);
    assert.deepEqual(asked, ["a", "b", "c", "d"]);
    assert.equal(oldest.counters.limited, 1);
    await answer(0, 1);
    const known = oldest.of("e");
    await answer(4, 9);
    assert.equal(await known, 9);
    nowMs = OLDEST_KEPT_MS;
    oldest.of("a");
    assert.equal(await oldest.of("e"), 9);
  });

  it("asks twenty times in a second, however short each answer takes", async () => {
    for (let i = 0; i < 30; i++) {
      oldest.of(`t${i}`);
      if (i < 20) await answer(i, i);
    }
    assert.equal(asked.length, 20);
    assert.equal(oldest.counters.limited, 10);
    nowMs = 1000;
    oldest.of("t25");
    assert.equal(asked.length, 21);
  });

  it("keeps for a second that a topic has no block", async () => {
    const none = oldest.of("a");
    await answer(0, null);
    assert.equal(await none, null);
    nowMs = 1000;
    const some = oldest.of("a");
    await answer(1, 4);
    assert.equal(await some, 4);
  });

  it("keeps a failure for a second, and a source that throws is one that fails", async () => {
    const failed = oldest.of("a");
    answers[0]!.reject(new Error("no leader"));
    assert.equal(await failed, null);
    await settled();
    nowMs = 999;
    assert.equal(await oldest.of("a"), null);
    assert.equal(asked.length, 1);
    nowMs = 1000;
    oldest.of("a");
    assert.equal(asked.length, 2);
    const throwing = new OldestBlocks({
      source: {
        oldestMs: () => {
          throw new Error("not started");
        },
      },
      clockMs: () => 0,
    });
    assert.equal(await throwing.of("a"), null);
    assert.equal(throwing.counters.failed, 1);
  });

  it("does not wait for a source that does not answer, and takes its answer when it comes", async () => {
    const first = oldest.of("a");
    const [[call, ms]] = [...timers] as [[() => void, number]];
    assert.equal(ms, 1000);
    call();
    assert.equal(await first, null);
    assert.equal(await oldest.of("a"), null);
    await answer(0, 3);
    assert.equal(await oldest.of("a"), 3);
    assert.deepEqual(asked, ["a"]);
  });

  it("keeps the answers of 4,096 topics", async () => {
    for (let i = 0; i < 4097; i++) {
      nowMs = i * 1000;
      oldest.of(`t${i}`);
      await answer(i, i);
    }
    nowMs += OLDEST_KEPT_MS;
    for (const topic of ["w", "x", "y", "z"]) oldest.of(topic);
    assert.equal(await oldest.of("t4"), null);
    assert.equal(await oldest.of("t5"), 5);
  });

  it("knows nothing where the source does not", async () => {
    const none = new OldestBlocks({ source: {}, clockMs: () => 0 });
    assert.equal(await none.of("a"), null);
  });
});
