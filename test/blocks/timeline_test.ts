// Joining with a clock that the test controls: no test here waits.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { PartitionBlocks } from "../../src/blocks/partition_blocks.ts";
import type { RowGap } from "../../src/blocks/row_gap.ts";
import { rowStrideOf } from "../../src/blocks/row_stride.ts";
import { Timeline } from "../../src/blocks/timeline.ts";
import { PageRing } from "../../src/memory/page_ring.ts";

const STRIDE_NS = 62_500_000n;
const STRIDE_MS = 62.5;
const LATENCY_MS = 1000;

function setUp(
  count: number,
  strides: bigint[] = [],
  ringBytes = 1 << 20,
  { subscribedMs, outageGraceMs = 0 }: {
    subscribedMs?: number;
    outageGraceMs?: number;
  } = {},
) {
  const ring = new PageRing(new Uint8Array(ringBytes));
  const partitions = Array.from(
    { length: count },
    (_, i) =>
      new PartitionBlocks({
        topic: `arrakis-p${i}`,
        strideNs: strides[i] ?? STRIDE_NS,
        maxLatencyNs: BigInt(LATENCY_MS) * 1_000_000n,
        ring,
        futureToleranceMs: 0,
        outageWaitMs: 60_000,
        outageGraceMs,
        ...(subscribedMs === undefined ? {} : { subscribedMs }),
        hasClock: true,
      }),
  );
  const strideNs = rowStrideOf(partitions.map((p) => p.strideNs));
  const timeline = new Timeline(partitions, strideNs, 0);
  const rows: number[] = [];
  const gaps: RowGap[] = [];
  let resets = 0;
  timeline.listeners.add({
    onRow: (row) => rows.push(row),
    onGap: (gap) => gaps.push(gap),
    onReset: () => resets++,
    onReady: () => {},
  });
  const put = (p: number, index: number, nowMs: number) => {
    const partition = partitions[p]!;
    const arrival = partition.append(
      encodeBlock(BigInt(index) * partition.strideNs, "int16", [0], [
        Int16Array.of(index, p),
      ]),
      nowMs,
    );
    if (arrival === "reset") timeline.reset(nowMs);
    if (arrival === "returned") timeline.awaitSilentWith(partition, nowMs);
    timeline.advance(nowMs);
    return arrival;
  };
  const caughtUp = (nowMs: number, ...which: number[]) => {
    for (const p of which.length ? which : partitions.keys()) {
      partitions[p]!.caughtUp(nowMs);
    }
    timeline.advance(nowMs);
  };
  /** Blocks before row 1000 in every partition, all read to the end. */
  const begin = () => {
    partitions.forEach((p, i) => {
      const ratio = Number(strideNs / p.strideNs);
      put(i, 1000 * ratio - 1, end(1000));
    });
    caughtUp(end(1000));
    assert.equal(timeline.frontier, 1000);
  };
  /** GPS ms at which row `row` begins, a bit later. */
  const end = (row: number) => row * Number(strideNs) / 1e6 + 1;
  return {
    partitions,
    timeline,
    rows,
    gaps,
    put,
    caughtUp,
    begin,
    end,
    resets: () => resets,
  };
}

describe("Timeline", () => {
  it("releases a row the moment its last partition arrives", () => {
    const t = setUp(3);
    t.begin();
    t.put(0, 1000, t.end(1001));
    t.put(2, 1000, t.end(1001));
    assert.deepEqual(t.rows, []);
    t.put(1, 1000, t.end(1001));
    assert.deepEqual(t.rows, [1000]);
  });

  it("keeps rows in order when a partition runs ahead", () => {
    const t = setUp(2);
    t.begin();
    for (let row = 1000; row < 1004; row++) t.put(0, row, t.end(1004));
    for (let row = 1000; row < 1004; row++) t.put(1, row, t.end(1004));
    assert.deepEqual(t.rows, [1000, 1001, 1002, 1003]);
  });

  it("calls a partition late only by a fetch answered after the deadline", () => {
    const t = setUp(2);
    t.begin();
    t.put(0, 1000, t.end(1001));
    const deadline = t.end(1001) + LATENCY_MS;
    t.timeline.advance(deadline + 5000);
    assert.deepEqual(t.rows, [], "the clock alone must not make it late");
    t.caughtUp(deadline - 10, 1);
    assert.deepEqual(t.rows, []);
    t.caughtUp(deadline + 10, 1);
    assert.deepEqual(t.rows, [1000]);
    assert.equal(t.timeline.shortRows, 1);
    assert.equal(t.partitions[1]!.absent, "late");
  });

  it("does not wait for an absent partition again, and does from the row after it is back", () => {
    const t = setUp(2);
    t.begin();
    t.put(0, 1000, t.end(1001));
    t.caughtUp(t.end(1001) + LATENCY_MS, 1);
    for (let row = 1001; row < 1020; row++) t.put(0, row, t.end(row + 1));
    assert.equal(t.rows.at(-1), 1019);
    assert.equal(t.put(1, 1020, t.end(1021)), "returned");
    assert.equal(t.partitions[1]!.absent, null);
    t.put(0, 1020, t.end(1021));
    assert.equal(t.rows.at(-1), 1020);
    t.put(0, 1021, t.end(1022));
    assert.equal(t.rows.at(-1), 1020, "row 1021 waits for partition 1");
    t.put(1, 1021, t.end(1022));
    assert.equal(t.rows.at(-1), 1021);
  });

  it("delivers the backlog after an outage that was shorter than outageWaitMs", () => {
    const t = setUp(2);
    t.begin();
    t.timeline.advance(t.end(1001) + 30_000);
    assert.deepEqual(t.rows, []);
    const back = t.end(1001) + 30_000;
    for (let row = 1000; row < 1400; row++) t.put(0, row, back);
    for (let row = 1000; row < 1400; row++) t.put(1, row, back);
    assert.equal(t.rows.length, 400);
    assert.equal(t.timeline.shortRows, 0);
  });

  it("gives up an unreachable partition after outageWaitMs", () => {
    const t = setUp(2);
    t.begin();
    const later = t.end(1001) + 61_000;
    t.put(0, 1000, later - 1000);
    t.caughtUp(later, 0);
    assert.deepEqual(t.rows, [1000]);
    assert.equal(t.partitions[1]!.absent, "unreachable");
  });

  it("settles again at one time when the clock was set meanwhile", () => {
    const t = setUp(1);
    t.begin();
    const nowMs = t.end(1000) + 60_000;
    t.timeline.advance(nowMs);
    assert.equal(t.partitions[0]!.absent, null);
    // What was read to its end a minute ago was so an hour before that.
    t.partitions[0]!.shiftClock(-3_600_000);
    t.timeline.advance(nowMs);
    assert.equal(t.partitions[0]!.absent, "unreachable");
  });

  it("after outageWaitMs gives up what was due, not what may still come in the same answer", () => {
    const t = setUp(1);
    t.begin();
    const later = t.end(2000);
    t.put(0, 1999, later);
    assert.deepEqual(t.rows, []);
    t.put(0, 1998, later);
    t.caughtUp(later);
    for (let row = 1984; row < 1998; row++) t.put(0, row, later);
    assert.deepEqual(
      t.rows.slice(-16),
      [...Array(16).keys()].map((i) => 1984 + i),
    );
  });

  it("does not wait without end for a partition whose broker is away from the start", () => {
    const subscribedMs = 62_500;
    const t = setUp(2, [], 1 << 20, { subscribedMs });
    t.put(0, 1000, t.end(1001));
    t.caughtUp(t.end(1001), 0);
    for (let row = 1001; row < 2100; row++) t.put(0, row, t.end(row + 1));
    const first = t.rows.length;
    assert.equal(t.partitions[1]!.absent, "unreachable");
    assert.ok(first > 0);
    assert.equal(t.rows.at(-1), 2099);
    t.put(1, 2100, t.end(2101));
    t.put(0, 2100, t.end(2101));
    assert.equal(t.partitions[1]!.absent, null);
    assert.equal(t.rows.at(-1), 2100);
  });

  it("says unreachable of all that one outage took, not of its last hole only", () => {
    const t = setUp(2);
    t.begin();
    const later = t.end(1001) + 61_000;
    for (const row of [1001, 1003]) t.put(1, row, later);
    for (let row = 1000; row < 1004; row++) t.put(0, row, later);
    const reasons = [1000, 1002].map((i) => t.partitions[1]!.missReasonOf(i));
    assert.deepEqual(reasons, ["unreachable", "unreachable"]);
  });

  it("reports a hole of one publisher after its latency", () => {
    const t = setUp(1);
    t.begin();
    t.put(0, 1000, t.end(1001));
    t.put(0, 1005, t.end(1006));
    assert.deepEqual(t.rows, [1000]);
    t.caughtUp(t.end(1005) + LATENCY_MS);
    assert.deepEqual(t.rows, [1000, 1005]);
    assert.equal(t.gaps[0]!.from, 1001);
    assert.equal(t.gaps.at(-1)!.to, 1005);
  });

  it("sends a block that came out of order but within its latency", () => {
    const t = setUp(1);
    t.begin();
    t.put(0, 1001, t.end(1002));
    assert.deepEqual(t.rows, []);
    t.put(0, 1000, t.end(1002));
    assert.deepEqual(t.rows, [1000, 1001]);
  });

  it("joins strides at their least common multiple", () => {
    const t = setUp(2, [62_500_000n, 1_000_000_000n]);
    assert.equal(t.timeline.strideNs, 1_000_000_000n);
    t.begin();
    t.put(1, 1000, t.end(1001));
    for (let i = 0; i < 16; i++) t.put(0, 16_000 + i, t.end(1001));
    assert.deepEqual(t.rows, [1000]);
  });

  it("begins with the first block of a partition that was silent", () => {
    const t = setUp(1);
    t.caughtUp(t.end(1000));
    t.put(0, 1000, t.end(1001));
    assert.deepEqual(t.rows, [1000]);
  });
});

describe("a partition that returns", () => {
  /** All fall silent with row 1000, and count as late. */
  function silentSetUp(count: number, strides: bigint[] = []) {
    const t = setUp(count, strides);
    t.begin();
    t.caughtUp(t.end(1050));
    for (const { absent } of t.partitions) assert.equal(absent, "late");
    return t;
  }

  it("waits for the others of its publisher, which was silent", () => {
    const t = silentSetUp(3);
    for (let row = 1100; row < 1103; row++) {
      t.put(0, row, t.end(row + 1));
      t.put(2, row, t.end(row + 1));
      assert.deepEqual(t.rows.at(-1), row > 1100 ? row - 1 : undefined);
      t.put(1, row, t.end(row + 1));
    }
    assert.deepEqual(t.rows, [1100, 1101, 1102]);
    assert.equal(t.timeline.shortRows, 0);
    assert.deepEqual(t.gaps, [{ from: 1000, to: 1100, reason: "missing" }]);
  });

  it("waits for them before the first row, too", () => {
    const t = setUp(2);
    t.caughtUp(t.end(1000));
    t.put(0, 1000, t.end(1001));
    assert.deepEqual(t.rows, []);
    t.put(1, 1000, t.end(1001));
    assert.deepEqual(t.rows, [1000]);
    assert.equal(t.timeline.shortRows, 0);
  });

  it("waits for one that does not come no longer than its latency, and once", () => {
    const t = silentSetUp(2);
    for (let row = 1100; row < 1110; row++) t.put(0, row, t.end(row + 1));
    t.caughtUp(t.end(1101) + LATENCY_MS - 10, 1);
    assert.deepEqual(t.rows, []);
    t.caughtUp(t.end(1101) + LATENCY_MS, 1);
    assert.equal(t.rows.at(-1), 1109);
    assert.equal(t.partitions[1]!.missReasonOf(1100), "late");
    t.put(0, 1110, t.end(1111));
    assert.equal(t.rows.at(-1), 1110);
    // Partition 0 is away and back again and again.
    for (const row of [1200, 1300, 1400]) {
      t.caughtUp(t.end(row));
      assert.equal(t.partitions[0]!.absent, "late");
      assert.equal(t.put(0, row, t.end(row + 1)), "returned");
      assert.equal(t.rows.at(-1), row);
    }
  });

  it("does not wait for one that was silent before", () => {
    const t = setUp(3);
    t.begin();
    for (let row = 1000; row < 1040; row++) {
      for (const p of [0, 1]) t.put(p, row, t.end(row + 1));
      t.caughtUp(t.end(row + 1));
    }
    assert.equal(t.rows.at(-1), 1039);
    t.caughtUp(t.end(1100));
    t.put(0, 1100, t.end(1101));
    assert.equal(t.rows.at(-1), 1039, "row 1100 waits for partition 1");
    t.put(1, 1100, t.end(1101));
    assert.equal(t.rows.at(-1), 1100);
  });

  it("holds no row beyond its own deadlines while one after the other returns", () => {
    const t = silentSetUp(3);
    t.put(0, 1100, t.end(1101));
    t.put(0, 1101, t.end(1102));
    t.put(1, 1110, t.end(1111));
    for (let row = 1102; row < 1111; row++) t.put(0, row, t.end(row + 1));
    assert.deepEqual(t.rows, []);
    t.caughtUp(t.end(1101) + LATENCY_MS, 2);
    assert.deepEqual(t.rows, [1100]);
    t.caughtUp(t.end(1111) + LATENCY_MS, 2);
    assert.equal(t.rows.at(-1), 1110);
  });

  it("waits for blocks that are longer or shorter than its own", () => {
    const strides = [62_500_000n, 1_000_000_000n];
    const t = silentSetUp(2, strides);
    for (let i = 5; i < 16; i++) t.put(0, 16 * 1100 + i, t.end(1101));
    assert.deepEqual(t.rows, []);
    t.put(1, 1100, t.end(1101));
    assert.deepEqual(t.rows, [1100]);
    const other = silentSetUp(2, strides);
    other.put(1, 1100, other.end(1101));
    for (let i = 0; i < 16; i++) other.put(0, 16 * 1100 + i, other.end(1101));
    assert.deepEqual(other.rows, [1100]);
    assert.equal(other.timeline.shortRows, 0);
  });

  it("waits for those that could not be read either", () => {
    const t = setUp(2);
    t.begin();
    t.timeline.advance(t.end(2000));
    for (const p of t.partitions) assert.equal(p.absent, "unreachable");
    for (const p of [0, 1]) {
      assert.deepEqual(t.rows, []);
      t.put(p, 2000, t.end(2001));
    }
    assert.deepEqual(t.rows, [2000]);
  });

  it("waits for none any more when the clock was set", () => {
    const t = silentSetUp(2);
    t.put(0, 1100, t.end(1101));
    assert.deepEqual(t.rows, []);
    t.timeline.shiftClock(-1000);
    t.timeline.advance(t.end(1101));
    assert.deepEqual(t.rows, [1100]);
  });
});

describe("the grace period after an outage", () => {
  it("calls nothing late when a leader moved and its publisher is behind (111 blocks were)", () => {
    const t = setUp(2, [], 1 << 20, { outageGraceMs: 5000 });
    t.begin();
    t.partitions[1]!.lateness.noteDisturbance(t.end(1000));
    // Both are read to their ends all the time; the publisher of one writes again after 3 s.
    for (let row = 1000; row < 1048; row++) {
      t.put(0, row, t.end(row + 1));
      t.caughtUp(t.end(row + 1));
    }
    assert.deepEqual(t.rows, []);
    for (let row = 1000; row < 1048; row++) t.put(1, row, t.end(1049));
    assert.equal(t.rows.length, 48);
    assert.equal(t.timeline.shortRows, 0);
  });
});

describe("PartitionBlocks.append()", () => {
  it("counts a duplicate and keeps the first", () => {
    const t = setUp(1);
    t.begin();
    assert.equal(t.put(0, 1000, t.end(1001)), "stored");
    assert.equal(t.put(0, 1000, t.end(1001)), "duplicate");
    assert.deepEqual(t.rows, [1000]);
  });

  it("sets aside a block from a clock that runs ahead", () => {
    const t = setUp(1);
    t.begin();
    assert.equal(t.put(0, 9000, t.end(1001)), "future");
    assert.equal(t.put(0, 1000, t.end(1001)), "stored");
    assert.deepEqual(t.rows, [1000]);
  });

  it("takes two blocks in a row that jump back by more than max_latency as a reset", () => {
    const t = setUp(1);
    t.begin();
    t.put(0, 1000, t.end(1001));
    assert.equal(t.put(0, 500, t.end(1002)), "late");
    assert.equal(t.put(0, 501, t.end(1002)), "reset");
    assert.equal(t.resets(), 1);
    t.put(0, 502, t.end(1002));
    assert.ok(t.rows.includes(502));
  });

  it("begins with the block that confirms a reset, not with row -1 and a gap since 1980", () => {
    const t = setUp(2);
    t.begin();
    t.put(1, 1000, t.end(1001));
    t.put(0, 500, t.end(1002));
    assert.equal(t.put(0, 501, t.end(1002)), "reset");
    assert.equal(t.rows[0], 501);
    assert.ok(t.gaps.every((gap) => gap.from > 501));
    assert.ok(t.partitions[0]!.counters.missed <= 1);
  });

  it("counts nothing as missed before the first block, however old it is", () => {
    const t = setUp(1);
    t.caughtUp(t.end(1000));
    t.put(0, 900, t.end(1000));
    assert.deepEqual(t.rows, [900]);
    assert.ok(t.partitions[0]!.counters.missed <= 1);
  });

  it("continues after one stray old block", () => {
    const t = setUp(1);
    t.begin();
    assert.equal(t.put(0, 500, t.end(1001)), "late");
    assert.equal(t.put(0, 1000, t.end(1001)), "stored");
    assert.equal(t.put(0, 501, t.end(1001)), "late");
    assert.equal(t.resets(), 0);
  });

  it("refuses what is off the grid, unreadable or too large", () => {
    const t = setUp(1);
    const [partition] = t.partitions;
    const off = encodeBlock(1n, "int16", [0], [Int16Array.of(1)]);
    assert.equal(partition!.append(off, 1e12), "bad");
    assert.match(partition!.reader.lastBadReason, /multiple/);
    assert.equal(partition!.append(new Uint8Array(10), 1e12), "bad");
    const large = encodeBlock(0n, "float64", [0], [new Float64Array(1 << 17)]);
    assert.equal(partition!.append(large, 1e12), "too-large");
  });

  it("a page taken back makes its rows gone, never wrong", () => {
    const t = setUp(1, [], 64 * 1024);
    t.begin();
    for (let row = 1000; row < 1400; row++) t.put(0, row, t.end(row + 1));
    assert.equal(t.timeline.stateOf(1000), "gone");
    assert.equal(t.timeline.stateOf(1399), "held");
    assert.equal(t.timeline.stateOf(1400), "empty");
    const next = t.timeline.nextRow(1000);
    assert.ok(next > 1000 && next < 1399);
    assert.equal(t.timeline.stateOf(next), "held");
    assert.equal(t.timeline.stateOf(next - 1), "gone");
  });
});

describe("rowStrideOf()", () => {
  it("is the least common multiple", () => {
    assert.equal(rowStrideOf([STRIDE_NS]), STRIDE_NS);
    assert.equal(rowStrideOf([4n, 6n, 3n]), 12n);
    assert.equal(STRIDE_MS, Number(STRIDE_NS) / 1e6);
  });
});
