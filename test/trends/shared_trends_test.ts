// What a serving thread leases of the trends that another one records.
// Invariant: each lease of the recording thread is ended once, when no client of this thread needs it.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import type { Channel } from "../../src/channels/channel.ts";
import type { OldestBins } from "../../src/trends/oldest_bins.ts";
import {
  type LeasedTrends,
  SharedTrends,
} from "../../src/trends/shared_trends.ts";
import {
  allocateTrend,
  TrendMemoryWriter,
} from "../../src/trends/trend_memory.ts";

function channelOf(name: string, sampleRate = 16): Channel {
  return {
    name,
    dataType: "float32",
    sampleRate,
    publisher: "p",
    partitionId: "p",
    partitionIndex: 0,
    strideNs: 62_500_000n,
    maxLatencyNs: 0n,
    replayId: null,
  };
}

const [A, B, C] = ["A", "B", "C"].map((name) => channelOf(name)) as [
  Channel,
  Channel,
  Channel,
];

/** The recording thread: answers when the test says so. */
class Recording {
  readonly asked: string[][] = [];
  /** Record → leases of the thread. */
  readonly held = new Map<number, number>();
  /** Records of which a lease ended that no client had used. */
  readonly unused: number[] = [];
  readonly writers = new Map<string, TrendMemoryWriter>();
  readonly recorded = new SharedArrayBuffer(4);
  readonly #answers: (() => void)[] = [];
  hasMemory = true;
  #count = 0;

  oldestBins({ name }: Channel): Promise<OldestBins | null> {
    return Promise.resolve(name === "A" ? [1n, null, 60n] : null);
  }

  lease(channels: readonly Channel[]): Promise<LeasedTrends | null> {
    this.asked.push(channels.map(({ name }) => name));
    const leased = this.hasMemory
      ? {
        memories: channels.map((channel) => this.#memoryOf(channel)),
        recorded: this.recorded,
      }
      : null;
    return new Promise((resolve) => {
      this.#answers.push(() => resolve(leased));
    });
  }

  endLease(id: number, count: number, isUsed: boolean): void {
    if (!isUsed) this.unused.push(id);
    const left = this.held.get(id)! - count;
    assert.ok(left >= 0, "ended more often than leased");
    if (left === 0) this.held.delete(id);
    else this.held.set(id, left);
  }

  answer(): void {
    for (const answer of this.#answers.splice(0)) answer();
  }

  #memoryOf({ name, dataType }: Channel) {
    let writer = this.writers.get(name);
    if (!writer) {
      const capacities = [10, 0, 0];
      const id = this.#count++;
      writer = new TrendMemoryWriter(
        allocateTrend({ id, dataType, capacities }),
      );
      this.writers.set(name, writer);
    }
    const { id } = writer.memory;
    this.held.set(id, (this.held.get(id) ?? 0) + 1);
    return writer.memory;
  }
}

let port: Recording;
let trends: SharedTrends;
let later: (() => void)[];
let recordedCalls: number;

beforeEach(() => {
  port = new Recording();
  later = [];
  recordedCalls = 0;
  trends = new SharedTrends({
    port,
    trendMb: 1,
    clockMs: () => 0,
    onRecorded: () => recordedCalls++,
    later: (call) => void later.push(call),
  });
});

/** Asks, and runs what waits for the answer. */
async function prepared(
  channels: readonly Channel[],
  then: () => void = () => {},
): Promise<void> {
  const preparing = trends.prepare(channels);
  port.answer();
  await preparing;
  then();
}

const passTurn = () => later.splice(0).forEach((call) => call());

describe("SharedTrends", () => {
  it("asks only for what this thread does not lease, and ends each lease once", async () => {
    assert.equal(trends.lease([A]), null);
    let first: ReturnType<typeof trends.lease> = null;
    let second: ReturnType<typeof trends.lease> = null;
    await prepared([A, B], () => first = trends.lease([A, B]));
    passTurn();
    assert.equal(trends.prepare([B, A]), null);
    await prepared([B, C], () => second = trends.lease([B, C]));
    passTurn();
    assert.deepEqual(port.asked, [["A", "B"], ["C"]]);
    assert.equal(first![1], second![0]);
    trends.release(first!);
    assert.equal(port.held.size, 2);
    trends.release(second!);
    assert.equal(port.held.size, 0);
    assert.equal(trends.lease([B]), null);
  });

  it("keeps what was prepared until the request has been decided on", async () => {
    await prepared([A, B]);
    assert.equal(port.held.size, 2);
    passTurn();
    assert.equal(port.held.size, 0);
  });

  it("says which leases no client has used: those of requests that were refused", async () => {
    await prepared([A, B], () => assert.ok(trends.lease([B])));
    const [record] = trends.lease([B])!;
    passTurn();
    assert.deepEqual(port.unused, [0]);
    trends.release([record!, record!]);
    assert.deepEqual(port.unused, [0]);
    assert.equal(port.held.size, 0);
  });

  it("keeps what one request knows while it waits for the rest, though another one releases it", async () => {
    let records: ReturnType<typeof trends.lease> = null;
    await prepared([A], () => records = trends.lease([A]));
    passTurn();
    const preparing = trends.prepare([A, B]);
    trends.release(records!);
    port.answer();
    await preparing;
    records = trends.lease([A, B]);
    passTurn();
    assert.equal(records!.length, 2);
    trends.release(records!);
    assert.equal(port.held.size, 0);
  });

  it("takes two answers for the same channel, also if the first one's lease has ended meanwhile", async () => {
    const both = [trends.prepare([A]), trends.prepare([A])];
    port.answer();
    await Promise.all(both);
    const records = trends.lease([A])!;
    passTurn();
    assert.deepEqual([...port.held.values()], [2]);
    trends.release(records);
    assert.equal(port.held.size, 0);

    const first = trends.prepare([A]);
    port.answer();
    const second = trends.prepare([A]);
    await first;
    passTurn();
    port.answer();
    await second;
    assert.deepEqual([...port.held.values()], [1]);
    const again = trends.lease([A])!;
    passTurn();
    trends.release(again);
    assert.equal(port.held.size, 0);
  });

  it("leases another record of a channel that has changed, or whose record was stopped", async () => {
    const records: ReturnType<typeof trends.lease>[] = [];
    await prepared([A], () => records.push(trends.lease([A])));
    passTurn();
    port.writers.get("A")!.stop();
    port.writers.delete("A");
    assert.equal(trends.lease([A]), null);
    await prepared([A], () => records.push(trends.lease([A])));
    passTurn();
    const changed = channelOf("A", 32);
    port.writers.delete("A");
    assert.equal(trends.lease([changed]), null);
    await prepared([changed], () => records.push(trends.lease([changed])));
    passTurn();
    assert.equal(new Set(records.flat()).size, 3);
    assert.equal(port.held.size, 3);
    for (const each of records) trends.release(each!);
    assert.equal(port.held.size, 0);
  });

  it("has nothing to lease when there is no memory, and releases what the request knew", async () => {
    let records: ReturnType<typeof trends.lease> = null;
    await prepared([A], () => records = trends.lease([A]));
    passTurn();
    port.hasMemory = false;
    await prepared([A, B], () => assert.equal(trends.lease([A, B]), null));
    passTurn();
    trends.release(records!);
    assert.equal(port.held.size, 0);
  });

  it("calls back after the notice that blocks were recorded, once for all that wait", async () => {
    let records: ReturnType<typeof trends.lease> = null;
    await prepared([A, B], () => records = trends.lease([A, B]));
    for (const record of records!) assert.ok(!record.isRecordedTo(5));
    assert.equal(recordedCalls, 0);
    const words = new Int32Array(port.recorded);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    for (let i = 0; i < 1000 && recordedCalls === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(recordedCalls, 1);
    passTurn();
    trends.release(records!);
    trends.close();
  });
});
