// The trends that one thread leases of the reading thread.
// Invariant: all channels of a request are leased or none; nothing is left when the thread has ended.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import type { ChannelName, ReadingMessage } from "../../src/ingest/messages.ts";
import { TrendLeases } from "../../src/ingest/trend_leases.ts";
import { NO_BINS, type OldestBins } from "../../src/trends/oldest_bins.ts";
import { allocateTrend } from "../../src/trends/trend_memory.ts";
import type { TrendRecord } from "../../src/trends/trend_record.ts";

const NAMES = Array.from({ length: 100 }, (_, i) => ({
  name: `C${i}`,
  replayId: null,
}));

/** Counts the leases of each channel; a pause is due after each tenth. */
class Lender {
  readonly recorded = new SharedArrayBuffer(4);
  readonly leases = new Map<string, number>();
  readonly #records = new Map<string, TrendRecord>();
  readonly #ids = new Map<TrendRecord, string>();
  room = Infinity;
  /** After so many leases the system has no memory. */
  systemRoom = Infinity;
  canceled = 0;
  pauses = 0;
  #resume: () => void = () => {};
  #sincePause = 0;

  lease({ name }: ChannelName): TrendRecord | null {
    if (this.room-- <= 0) return null;
    if (this.systemRoom-- <= 0) {
      throw new RangeError("Array buffer allocation failed");
    }
    this.#sincePause++;
    const record = this.#records.get(name) ?? this.#recordOf(name);
    this.leases.set(name, (this.leases.get(name) ?? 0) + 1);
    return record;
  }

  oldestBins(): OldestBins {
    return NO_BINS;
  }

  cancel(records: readonly TrendRecord[]): void {
    this.canceled += records.length;
    this.#end(records);
  }

  release(records: readonly TrendRecord[]): void {
    this.#end(records);
  }

  #end(records: readonly TrendRecord[]): void {
    for (const record of records) {
      const name = this.#ids.get(record)!;
      const left = this.leases.get(name)! - 1;
      if (left === 0) this.leases.delete(name);
      else this.leases.set(name, left);
    }
  }

  get leaseSlices() {
    const isOver = () => this.#sincePause >= 10;
    const next = () => this.#pause();
    return {
      get isOver() {
        return isOver();
      },
      next,
    };
  }

  #pause(): Promise<void> {
    this.pauses++;
    this.#sincePause = 0;
    return new Promise((resolve) => this.#resume = resolve);
  }

  async resume(): Promise<void> {
    this.#resume();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  #recordOf(name: string): TrendRecord {
    const id = this.#ids.size;
    const memory = allocateTrend({
      id,
      dataType: "int8",
      capacities: [1, 1, 1],
    });
    const record = { memory } as TrendRecord;
    this.#records.set(name, record);
    this.#ids.set(record, name);
    return record;
  }
}

let lender: Lender;
let leases: TrendLeases;
let sent: Extract<ReadingMessage, { kind: "trends" }>[];

beforeEach(() => {
  lender = new Lender();
  sent = [];
  const port = {
    send: (message: ReadingMessage) => sent.push(message as never),
  };
  leases = new TrendLeases(port, lender);
});

const ask = (channels: readonly ChannelName[], request = 1) =>
  leases.answer({ kind: "lease-trends", request, channels });

describe("TrendLeases", () => {
  it("leases in slices, and answers with the memory of all in their order", async () => {
    const asking = ask(NAMES);
    assert.equal(lender.leases.size, 10);
    for (let i = 0; i < 9; i++) {
      assert.equal(sent.length, 0);
      await lender.resume();
    }
    await asking;
    assert.equal(lender.pauses, 9);
    const [{ request, leased }] = sent as [typeof sent[0]];
    assert.equal(request, 1);
    assert.equal(leased!.recorded, lender.recorded);
    assert.deepEqual(
      leased!.memories.map(({ id }) => id),
      NAMES.map((_, i) => i),
    );
  });

  it("leases none when there is no memory for one", async () => {
    lender.room = 5;
    await ask(NAMES.slice(0, 8));
    assert.equal(sent[0]!.leased, null);
    assert.equal(lender.leases.size, 0);
    assert.equal(lender.canceled, 5);
  });

  it("leases none when the system has no memory", async () => {
    lender.systemRoom = 5;
    await ask(NAMES.slice(0, 8));
    assert.equal(sent[0]!.leased, null);
    assert.equal(lender.leases.size, 0);
  });

  it("counts the leases of each record, and ends what was not leased only once", async () => {
    await ask(NAMES.slice(0, 2));
    await ask(NAMES.slice(1, 3));
    assert.deepEqual([...lender.leases.values()], [1, 2, 1]);
    leases.end({ id: 1, count: 1, isUsed: true });
    assert.equal(lender.leases.get("C1"), 1);
    leases.end({ id: 1, count: 1, isUsed: true });
    leases.end({ id: 1, count: 1, isUsed: true });
    leases.end({ id: 77, count: 1, isUsed: true });
    assert.deepEqual([...lender.leases.keys()], ["C0", "C2"]);
    assert.equal(lender.canceled, 0);
    leases.end({ id: 0, count: 1, isUsed: false });
    assert.equal(lender.canceled, 1);
    // It has ended some time ago.
    leases.close();
    assert.equal(lender.leases.size, 0);
    assert.equal(lender.canceled, 2);
  });

  it("leaves nothing of a request that its thread does not live to see", async () => {
    await ask(NAMES.slice(0, 3));
    const asking = ask(NAMES);
    await lender.resume();
    assert.ok(lender.leases.size > 3);
    leases.close();
    await lender.resume();
    await asking;
    assert.equal(lender.leases.size, 0);
    await ask(NAMES.slice(0, 1));
    assert.equal(lender.leases.size, 0);
  });
});
