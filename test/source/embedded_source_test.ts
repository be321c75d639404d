// The embedded source under a clock of the test: what it sends after a jump of the clock.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import { dueFrom } from "../../src/source/due_blocks.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import type { BlockSink } from "../../src/source/source.ts";

const NOW_NS = 1_479_469_500_000_000_000n;
const S_NS = 1_000_000_000n;
/** Blocks of all topics in one turn. */
const TURN_BLOCKS_MAX = 64;
/** How far back a jump ahead is caught up with, s. */
const BACKLOG_S = 10;

let nowNs: bigint;
let turns: (() => void)[];
let heard: { topic: string; index: number; timestampMs: number }[];
let caughtUp: string[];
/** By topic: how many of its blocks had come when it was reported that some are lost. */
let lost: Map<string, number>;
/** Up to when the log was last read to its end, ms. */
let readUpToMs: number;
let clockMs: number;
/** How long the sink takes for a block, ms. */
let blockMs: number;
let source: EmbeddedSource;
let topics: string[];

const sink = {
  onMessage: (
    topic: string,
    _value: Uint8Array,
    index: number,
    timestampMs: number,
  ) => {
    heard.push({ topic, index, timestampMs });
    clockMs += blockMs;
  },
  onLost: (topic: string, isGone: boolean) => {
    assert.ok(isGone && !lost.has(topic), topic);
    lost.set(topic, heard.length);
  },
  onCaughtUp: (topic: string, atMs: number) => {
    caughtUp.push(topic);
    readUpToMs = atMs;
  },
} as unknown as BlockSink;

/** Time passes in steps of 1/16 s; every turn that is due is taken. How many blocks the fullest turn made. */
function run(seconds: number): number {
  let most = 0;
  for (let i = 0; i < seconds * 16; i++) {
    nowNs += S_NS / 16n;
    // As a timer that fires late: turns that ask for the next one at once get it.
    for (let k = 0; k < 1000 && turns.length > 0; k++) {
      const before = heard.length;
      turns.shift()!();
      most = Math.max(most, heard.length - before);
      if (heard.length - before === 0) break;
    }
  }
  return most;
}

beforeEach(async () => {
  nowNs = NOW_NS;
  turns = [];
  heard = [];
  caughtUp = [];
  lost = new Map();
  clockMs = blockMs = readUpToMs = 0;
  const catalog = new Catalog();
  source = new EmbeddedSource({
    catalog,
    nowGpsNs: () => nowNs,
    clockMs: () => clockMs,
    later: (call) => {
      turns = [call];
      return () => turns = turns.filter((t) => t !== call);
    },
  });
  await source.start(sink);
  const all = catalog.find({}).map((c) => `arrakis-${c.partitionId}`);
  topics = [...new Set(all)];
  for (const topic of topics) {
    source.subscribe(topic, { kind: "block-time", ms: Number(nowNs) / 1e6 });
  }
  run(2);
});

/** Indexes of each topic's blocks, of those with the shortest stride. */
function indexesOf(from: number): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { topic, index } of heard.slice(from)) {
    found.set(topic, [...found.get(topic) ?? [], index]);
  }
  return found;
}

describe("EmbeddedSource", () => {
  it("has read a log up to the beginning of a turn, however long it takes (on a busy machine blocks were late)", () => {
    blockMs = 100;
    nowNs += S_NS;
    const beganMs = clockMs;
    turns.shift()!();
    assert.ok(clockMs > beganMs);
    assert.equal(readUpToMs, beganMs);
  });

  it("sends every block of each topic once, in order, a bounded number per turn", () => {
    const most = run(5);
    assert.ok(most > 0 && most <= TURN_BLOCKS_MAX, `${most} blocks in a turn`);
    const found = indexesOf(0);
    assert.equal(found.size, topics.length);
    for (const [topic, indexes] of found) {
      indexes.forEach((index, i) =>
        assert.equal(index, indexes[0]! + i, `${topic} ${indexes}`)
      );
    }
  });

  it("states when a block was produced in Unix time, also in the past", async () => {
    const { topic, timestampMs } = heard.at(-1)!;
    // GPS 1479469500 is 2026-11-23T11:44:42Z.
    const nowMs = Number((nowNs - NOW_NS) / 1_000_000n) +
      Date.UTC(2026, 10, 23, 11, 44, 42);
    assert.equal(timestampMs, nowMs);
    const fromMs = Number(nowNs / 1_000_000n) - 10_000;
    const past = source.openHistory([{ topic, fromMs }]);
    const [first] = await past.read([topic]);
    const oldestMs = first!.messages[0]!.timestampMs;
    assert.ok(Math.abs(oldestMs - nowMs + 10_000) <= 1000, `${oldestMs}`);
  });

  for (
    const [what, seconds] of [["10 minutes", 600n], [
      "10 days",
      864_000n,
    ]] as const
  ) {
    it(`skips ahead when the clock jumps by ${what} (it made every block, and blocked the loop)`, () => {
      assert.equal(lost.size, 0);
      const before = heard.length;
      const last = indexesOf(0);
      nowNs += seconds * S_NS;
      const most = run(1);
      assert.ok(most <= TURN_BLOCKS_MAX, `${most} blocks in a turn`);
      const blocks = heard.length - before;
      const blocksMax = topics.length * (BACKLOG_S + 1) * 16;
      assert.ok(blocks > 0 && blocks <= blocksMax, `${blocks} blocks`);
      assert.ok(source.status().counters["skipped"]! > 0);
      run(5);
      assert.deepEqual([...lost.keys()].sort(), [...topics].sort());
      for (const [topic, indexes] of indexesOf(before)) {
        const next = heard.slice(lost.get(topic)).find((h) =>
          h.topic === topic
        );
        assert.equal(next!.index, indexes[0]);
        // One hole: the blocks that were skipped.
        assert.ok(indexes[0]! > last.get(topic)!.at(-1)! + 1, topic);
        indexes.forEach((index, i) => assert.equal(index, indexes[0]! + i));
      }
    });
  }

  it("waits when the clock is set back a little, and sends no block twice", () => {
    nowNs -= 5n * S_NS;
    run(4);
    const before = heard.length;
    run(4);
    assert.ok(heard.length > before);
    for (const indexes of indexesOf(0).values()) {
      indexes.forEach((index, i) => assert.equal(index, indexes[0]! + i));
    }
  });

  it("starts over when the clock is set back by an hour, instead of waiting for an hour", () => {
    const before = heard.length;
    nowNs -= 3600n * S_NS;
    run(2);
    const found = indexesOf(before);
    assert.equal(found.size, topics.length);
    for (const indexes of found.values()) {
      indexes.forEach((index, i) => assert.equal(index, indexes[0]! + i));
    }
  });

  it("reads history a bounded number of blocks at a time, and no further back than an hour", async () => {
    const [topic] = topics;
    const past = source.openHistory([{ topic: topic!, fromMs: 0 }]);
    const [first] = await past.read([topic!]);
    assert.ok(first!.messages.length <= 16);
    assert.ok(first!.isCut && !first!.isAtEnd);
  });
});

describe("dueFrom()", () => {
  it("continues, skips, waits or starts over, depending on how far the clock has moved", () => {
    const backlog = 160;
    assert.deepEqual(dueFrom(100, 110, { backlog }), { from: 100, skipped: 0 });
    assert.deepEqual(dueFrom(100, 260, { backlog }), { from: 100, skipped: 0 });
    assert.deepEqual(dueFrom(100, 261, { backlog }), { from: 101, skipped: 1 });
    assert.deepEqual(dueFrom(100, 90, { backlog }), { from: 100, skipped: 0 });
    assert.deepEqual(dueFrom(1000, 839, { backlog }), {
      from: 839,
      skipped: 0,
    });
  });
});
