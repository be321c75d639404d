// A trend that one thread writes and others read.
// Invariant: a bin that changed while it was read is never taken for a whole one; the test without the second look finds some.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { newSampleStats } from "../../src/trends/sample_stats.ts";
import { SharedTrend } from "../../src/trends/shared_trend.ts";
import {
  allocateTrend,
  TrendMemoryReader,
  TrendMemoryWriter,
} from "../../src/trends/trend_memory.ts";
import { TrendRing } from "../../src/trends/trend_ring.ts";
import type { ReadBinsReport } from "./read_bins.ts";

const CHANNEL = {
  name: "H1:QANAT-COUNT_I64_16",
  dataType: "float64",
  sampleRate: 16,
  publisher: "p",
  partitionId: "p",
  partitionIndex: 0,
  strideNs: 62_500_000n,
  maxLatencyNs: 0n,
  replayId: null,
} as const;
const SAMPLES = 16;

/** The writing side, and the memory. */
class Written {
  readonly memory = allocateTrend({
    id: 7,
    dataType: "float64",
    capacities: [100, 0, 10],
  });
  readonly writer = new TrendMemoryWriter(this.memory);
  readonly rings = this.memory.capacities.map((capacity, i) =>
    capacity === 0
      ? null
      : new TrendRing("float64", capacity, this.writer.arrays[i]!)
  );
  recordedTo = -1;

  constructor() {
    this.writer.begin();
    this.writer.end(this.rings, -1);
  }

  /** Adds samples of one value. */
  add(bin: number, value: number): void {
    this.writer.begin();
    const sum = value * SAMPLES;
    for (const ring of this.rings) {
      const stats = { min: value, max: value, sum, count: SAMPLES };
      ring?.add(bin, { ...newSampleStats(), ...stats });
    }
    this.writer.end(this.rings, this.recordedTo);
  }

  record(to: number): void {
    this.writer.begin();
    this.writer.end(this.rings, this.recordedTo = to);
  }

  reset(): void {
    this.writer.begin();
    for (const ring of this.rings) ring?.reset();
    this.writer.end(this.rings, this.recordedTo = -1);
  }
}

let written: Written;
let nowMs: number;
let waits: number;
let trend: SharedTrend;
const { read } = TrendRing.prototype;

beforeEach(() => {
  written = new Written();
  nowMs = waits = 0;
  trend = new SharedTrend({
    channel: CHANNEL,
    memory: structuredClone(written.memory),
    clockMs: () => nowMs,
    onWait: () => waits++,
  });
});

afterEach(() => {
  TrendRing.prototype.read = read;
});

describe("a trend that another thread records", () => {
  it("has the bins of the other side, also the one that is being filled, and after a reset none", () => {
    const [bins, none, long] = trend.rings;
    assert.equal(none, null);
    const out = newSampleStats();
    assert.deepEqual([bins!.first, bins!.oldest], [-1, Infinity]);
    assert.equal(bins!.read(5, out), false);
    for (let bin = 5; bin < 300; bin += 1 + bin % 3) {
      written.add(bin, bin);
      written.add(bin, bin + 1);
      for (const [i, shared] of [[0, bins], [2, long]] as const) {
        const ring = written.rings[i]!;
        assert.deepEqual([shared!.first, shared!.oldest], [
          ring.first,
          ring.oldest,
        ]);
        assert.equal(shared!.nextBin(0), ring.nextBin(0));
        for (let at = bin - 120; at < bin + 3; at++) {
          const expected = newSampleStats();
          const isThere = ring.read(at, expected);
          const got = newSampleStats();
          assert.equal(shared!.has(at), isThere);
          assert.equal(shared!.read(at, got), isThere);
          assert.deepEqual(got, expected);
        }
      }
    }
    written.reset();
    assert.equal(bins!.nextBin(0), Infinity);
    written.add(3, 4);
    assert.equal(bins!.read(3, out) && out.min, 4);
    assert.equal(bins!.read(299, out), false);
  });

  it("is read again when its version has changed during a read", () => {
    written.add(5, 1);
    let reads = 0;
    // As if the other thread wrote behind the first reading.
    TrendRing.prototype.read = function (bin, out) {
      const isRead = read.call(this, bin, out);
      if (++reads <= 3) written.add(5 + reads, reads);
      return isRead;
    };
    const out = newSampleStats();
    assert.ok(trend.rings[0]!.read(5, out));
    assert.equal(reads, 4);
    assert.deepEqual([out.min, out.max, out.count], [1, 1, SAMPLES]);
    assert.ok(trend.rings[0]!.has(8));
  });

  it("has no bins, after a bounded time, when it is never finished", () => {
    written.add(5, 1);
    written.writer.begin();
    const out = newSampleStats();
    const [bins] = trend.rings;
    assert.equal(bins!.read(5, out), false);
    assert.equal(bins!.has(5), false);
    assert.equal(bins!.oldest, Infinity);
    assert.equal(bins!.nextBin(0), Infinity);
    written.writer.end(written.rings, -1);
    assert.ok(bins!.read(5, out));
  });

  it("gives up a read that is always overtaken", () => {
    written.add(5, 1);
    let reads = 0;
    TrendRing.prototype.read = function (bin, out) {
      written.add(6 + reads++ % 1000, 1);
      return read.call(this, bin, out);
    };
    // Bins are added in order only.
    written.add = () => written.record(reads);
    assert.equal(trend.rings[0]!.read(5, newSampleStats()), false);
    assert.ok(reads > 100 && reads < 10_000, `${reads} reads`);
  });

  it("waits for blocks to be recorded, though not without end", () => {
    assert.ok(trend.isRecordedTo(0));
    assert.ok(!trend.isRecordedTo(10));
    written.record(10);
    assert.ok(trend.isRecordedTo(10));
    assert.equal(waits, 1);
    assert.ok(!trend.isRecordedTo(11));
    nowMs += 1999;
    assert.ok(!trend.isRecordedTo(11));
    written.record(11);
    assert.ok(!trend.isRecordedTo(12));
    nowMs += 1999;
    assert.ok(!trend.isRecordedTo(12));
    nowMs += 1;
    assert.ok(trend.isRecordedTo(12), "nothing more is recorded");
    written.record(12);
    assert.ok(!trend.isRecordedTo(13));
  });

  it("says when it is recorded no more", () => {
    assert.ok(!trend.isStopped);
    written.writer.stop();
    assert.ok(trend.isStopped);
  });
});

describe("bins that another thread writes at the same time", () => {
  const CHANGES = 5000;

  async function readBins(order: "right" | "wrong"): Promise<ReadBinsReport> {
    const worker = new Worker(new URL("./read_bins.ts", import.meta.url), {
      type: "module",
    });
    let value = 0;
    written.add(1, 0);
    const report = new Promise<ReadBinsReport>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    const { memory } = written;
    worker.postMessage({ channel: CHANNEL, memory, order, changes: CHANGES });
    let isDone = false;
    const found = report.finally(() => isDone = true);
    const [ring] = written.rings;
    while (!isDone) {
      for (let i = 0; i < 2000; i++) {
        value = (value + 1) % 1000;
        // The same bin again, with another value.
        written.writer.begin();
        ring!.reset();
        const stats = { ...newSampleStats(), min: value, max: value };
        ring!.add(1, { ...stats, sum: value * SAMPLES, count: SAMPLES });
        written.writer.end(written.rings, value);
        // Some microseconds, as between two blocks of one channel at the very least.
        for (let pause = 0; pause < 2000; pause++) Math.sqrt(pause);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    worker.terminate();
    return await found;
  }

  it("are whole", async () => {
    const { changed, torn } = await readBins("right");
    assert.equal(changed, CHANGES);
    assert.equal(torn, 0);
  });

  it("are torn without the second look, as this test finds out", async () => {
    const { torn } = await readBins("wrong");
    assert.ok(torn > 0);
  });
});

describe("the memory of a trend", () => {
  it("has places for all bins that do not overlap, for each type of samples", () => {
    for (const dataType of ["int8", "int16", "float32", "uint64"] as const) {
      const memory = allocateTrend({ id: 0, dataType, capacities: [7, 3, 5] });
      const { arrays } = new TrendMemoryReader(memory);
      const spans = arrays.flatMap((a) => Object.values(a!))
        .map((view) => [view.byteOffset, view.byteOffset + view.byteLength])
        .sort(([a], [b]) => a! - b!);
      let end = 64;
      for (const [from, to] of spans) {
        assert.ok(from! >= end);
        end = to!;
      }
      assert.ok(end <= memory.buffer.byteLength);
    }
  });
});
