// Permits to read history, of which two instances have one pool, as two worker threads have. The clock is handed in.
// Invariant: both together never have more permits than one instance, and neither keeps them from the other.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { SharePools } from "../../src/shares/share_pools.ts";
import { BlockClock, configWith, silent } from "../driven_source.ts";
import { FrozenTime } from "../frozen_time.ts";
import { HeldTurns } from "../held_turns.ts";
import { TableProcess } from "../shares/table_pools.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME, STRIDE_NS } from "./one_channel.ts";
import { PastSource, ROWS } from "./past_source.ts";

/** One instance. */
class Worker {
  readonly source = new PastSource(channels);
  readonly qanat: Qanat;
  readonly #clock: BlockClock;

  constructor(sharePools: SharePools, resumeWindowMs: number) {
    this.#clock = clock;
    this.qanat = new Qanat({
      config: configWith({
        retentionMb: 1,
        lingerMs: 0,
        historyReadersMax: 2,
        historyStallMs: 5000,
        addressSharePercent: 100,
        resumeWindowMs,
      }),
      source: this.source,
      log: silent,
      clocks: clock,
      later: turns.later,
      sharePools,
    });
    // Each client needs a permit here.
    this.qanat.hub.history.isSharing = false;
  }

  async start(): Promise<void> {
    await this.qanat.start();
    // Keeps the partition, whose place is found by the first rows.
    const live = this.admit("", { startNs: undefined });
    assert.ok(live.kind === "ready");
    live.open(new HeldOutlet());
  }

  admit(address: string, options: Partial<ClientOptions> = {}) {
    return this.qanat.hub.admission.admit(
      [this.source.catalog.get(NAME, null)!],
      "events",
      { address, startNs: BigInt(FIRST - ROWS) * STRIDE_NS, ...options },
    );
  }

  /** A client of history whose reader takes nothing. */
  stalled(address: string, options: Partial<ClientOptions> = {}): Reader {
    const admission = this.admit(address, options);
    assert.ok(admission.kind === "ready", JSON.stringify(admission));
    const outlet = new HeldOutlet();
    outlet.isStalled = true;
    return { outlet, client: admission.open(outlet) };
  }

  resumed(address: string): Reader {
    const afterNs = BigInt(FIRST - ROWS) * STRIDE_NS;
    return this.stalled(address, { startNs: undefined, afterNs });
  }

  publish(): void {
    const [topic] = this.source.blocks.topics;
    const index = this.#clock.index - 1;
    const { sink, blocks } = this.source;
    sink!.onMessage(topic!, blocks.blockOf(topic!, index), index, 0);
    sink!.onCaughtUp(topic!, this.#clock.clockMs());
  }

  look(): void {
    this.qanat.hub.look();
  }

  get history() {
    return this.qanat.hub.history;
  }
}

interface Reader {
  readonly outlet: HeldOutlet;
  readonly client: GroupClient;
}

let clock: BlockClock;
let time: FrozenTime;
let turns: HeldTurns;
let a: Worker;
let b: Worker;

async function quiet(): Promise<void> {
  await time.settle(turns);
}

/** What both do ten times a second, so many times. */
async function look(times = 1): Promise<void> {
  for (let i = 0; i < times; i++) {
    for (const worker of [a, b]) worker.look();
    await quiet();
  }
}

function leave({ outlet }: Reader): void {
  outlet.owner.onClose();
}

function reading(readers: readonly Reader[]): number {
  return readers.filter(({ client }) => client.phase.kind === "history").length;
}

/** `resumeWindowMs`: what is older is read with a permit for histories. All rows of history are 25 s old at most. */
async function setUp(resumeWindowMs = 60_000): Promise<void> {
  clock = new BlockClock(FIRST);
  time = new FrozenTime(clock);
  turns = new HeldTurns();
  const { workers } = new TableProcess(2);
  [a, b] = workers.map((pools) => new Worker(pools, resumeWindowMs)) as [
    Worker,
    Worker,
  ];
  for (const worker of [a, b]) await worker.start();
  for (let i = 0; i < 2; i++) {
    clock.index++;
    for (const worker of [a, b]) worker.publish();
  }
}

async function tearDown(): Promise<void> {
  for (const { qanat } of [a, b]) qanat.drain();
  await quiet();
  time.restore();
  for (const { qanat } of [a, b]) await qanat.close();
  for (const { history, source } of [a, b]) {
    assert.deepEqual([history.histories, history.resumes], [0, 0]);
    assert.equal(source.readers, 0);
  }
}

beforeEach(() => setUp());
afterEach(() => tearDown());

describe("permits of two workers", () => {
  it("are together as many as of one", async () => {
    a.stalled("10.0.0.1");
    b.stalled("10.0.0.2");
    await quiet();
    for (const worker of [a, b]) {
      const refused = worker.admit("10.0.0.3");
      assert.ok(refused.kind === "full" && refused.refusal === "histories");
      assert.equal(worker.history.histories, 2);
    }
    const resumes = [a, b, a, b, a, b].map((worker, i) =>
      worker.resumed(`10.0.1.${i}`)
    );
    await quiet();
    assert.equal(reading(resumes), 4);
    assert.equal(a.history.resumes, 4);
    assert.deepEqual([a, b].map(({ history }) => history.waiting), [1, 1]);
  });

  it("one that stalls gives way to a new history at another worker, which has to ask again", async () => {
    const first = a.stalled("10.0.0.1");
    const second = a.stalled("10.0.0.2");
    await quiet();
    clock.pass(2, () => {});
    second.outlet.finish();
    await quiet();
    clock.pass(4, () => {});
    assert.equal(b.admit("10.0.0.3").kind, "full");
    await look();
    assert.equal(first.client.phase.kind, "waiting");
    assert.equal(second.client.phase.kind, "history");
    assert.equal(a.history.counters.suspended, 1);
    const third = b.stalled("10.0.0.3");
    await quiet();
    assert.equal(third.client.phase.kind, "history");
    assert.equal(a.history.histories, 2);
  });

  it("one that stalls gives way to a resume that waits at another worker", async () => {
    const readers = Array.from(
      { length: 4 },
      (_, i) => a.resumed(`10.0.0.${i}`),
    );
    const waiting = b.resumed("10.0.1.1");
    await quiet();
    await look(3);
    assert.equal(waiting.client.phase.kind, "waiting");
    clock.pass(6, () => {});
    await look(2);
    assert.equal(waiting.client.phase.kind, "history");
    assert.equal(reading(readers), 3);
    assert.equal(b.history.resumes, 4);
  });

  it("that are returned reach another worker, also where the own line is long", async () => {
    const readers = Array.from(
      { length: 24 },
      (_, i) => a.resumed(`10.0.0.${i}`),
    );
    await quiet();
    const others = [b.resumed("10.0.1.1"), b.resumed("10.0.1.2")];
    await look();
    assert.equal(reading(others), 0);
    for (const other of others) {
      // Two holders of 22 wait here: they get one permit of four at a time.
      leave(readers.find(({ client }) => client.phase.kind === "history")!);
      await quiet();
      await look(2);
      assert.equal(other.client.phase.kind, "history");
      assert.deepEqual([reading(readers), a.history.resumes], [3, 4]);
      leave(other);
      await quiet();
      // None stays free.
      await look(3);
      assert.equal(reading(readers), 4);
    }
  });

  it("clients that wait at another worker are served before new ones", async () => {
    await tearDown();
    await setUp(1000);
    const held = [a.stalled("10.0.0.1"), a.stalled("10.0.0.2")];
    await quiet();
    clock.pass(6, () => {});
    assert.equal(b.admit("10.0.0.3").kind, "full");
    await look();
    const first = held.find(({ client }) => client.phase.kind === "waiting")!;
    const taker = b.stalled("10.0.0.3");
    // The one that was suspended reads again: it needs a permit for histories.
    first.outlet.isStalled = false;
    first.outlet.finish();
    await quiet();
    assert.equal(first.client.phase.kind, "waiting");
    leave(taker);
    await quiet();
    // The permit is free, and the worker of the client that waits has not looked yet.
    assert.equal(b.history.histories, 1);
    assert.equal(b.admit("10.0.0.4").kind, "full");
    await look();
    assert.notEqual(first.client.phase.kind, "waiting");
  });
});
