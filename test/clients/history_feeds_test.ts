// Which client gets a permit to read history while readers stall. The clock is handed in, writes finish when the test says.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { Config } from "../../src/config.ts";
import { BlockClock, configWith, silent } from "../driven_source.ts";
import { FrozenTime } from "../frozen_time.ts";
import { HeldTurns } from "../held_turns.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME, STRIDE_NS } from "./one_channel.ts";
import { PastSource, ROWS } from "./past_source.ts";

interface Reader {
  readonly outlet: HeldOutlet;
  readonly client: GroupClient;
}

let source: PastSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;
/** Histories pause by timers: those are in the test's hand, too. */
let time: FrozenTime;

async function setUp(
  changes: Partial<Config> = {},
  { isLive }: { isLive: boolean } = { isLive: true },
): Promise<void> {
  source = new PastSource(channels);
  clock = new BlockClock(FIRST);
  time = new FrozenTime(clock);
  turns = new HeldTurns();
  qanat = new Qanat({
    config: configWith({
      retentionMb: 1,
      lingerMs: 0,
      historyReadersMax: 2,
      historyStallMs: 5000,
      addressSharePercent: 100,
      ...changes,
    }),
    source,
    log: silent,
    clocks: clock,
    later: turns.later,
  });
  await qanat.start();
  if (!isLive) return;
  // Keeps the partition, whose place is found by the first rows.
  const live = admit("", { startNs: undefined });
  assert.ok(live.kind === "ready");
  live.open(new HeldOutlet());
  publish();
  publish();
}

function admit(address: string, options: Partial<ClientOptions> = {}) {
  return qanat.hub.admission.admit(
    [source.catalog.get(NAME, null)!],
    "events",
    { address, startNs: BigInt(FIRST - ROWS) * STRIDE_NS, ...options },
  );
}

/** A client of history whose reader takes nothing. */
function stalled(
  address: string,
  options: Partial<ClientOptions> = {},
): Reader {
  const admission = admit(address, options);
  assert.equal(admission.kind, "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  outlet.isStalled = true;
  const ready = admission as Extract<typeof admission, { kind: "ready" }>;
  return { outlet, client: ready.open(outlet) };
}

function resumed(address: string): Reader {
  return stalled(address, {
    startNs: undefined,
    afterNs: BigInt(FIRST - ROWS) * STRIDE_NS,
  });
}

/** A live row. */
function publish(): void {
  const [topic] = source.blocks.topics;
  clock.index++;
  const index = clock.index - 1;
  source.sink!.onMessage(
    topic!,
    source.blocks.blockOf(topic!, index),
    index,
    0,
  );
  source.sink!.onCaughtUp(topic!, clock.clockMs());
}

/** Lets all that is under way come to a stop. */
async function quiet(): Promise<void> {
  await time.settle(turns);
}

function ids({ outlet }: Reader): number[] {
  return [...outlet.text.matchAll(/^id: (\d+)\ndata/gm)].map((m) =>
    Number(BigInt(m[1]!) / STRIDE_NS)
  );
}

/** Reads on, to the end. */
async function readOn(reader: Reader): Promise<void> {
  reader.outlet.isStalled = false;
  reader.outlet.finish();
  for (let i = 0; i < 50 && ids(reader).length < ROWS; i++) await quiet();
}

/** Every row since the beginning of history, once and in order. */
function assertWhole(reader: Reader): void {
  const got = ids(reader);
  assert.ok(got.length >= ROWS, `${got.length} rows`);
  got.slice(0, ROWS).forEach((id, i) => assert.equal(id, FIRST - ROWS + 1 + i));
}

async function close(): Promise<void> {
  qanat.drain();
  await quiet();
  time.restore();
  await qanat.close();
}

beforeEach(() => setUp());
afterEach(async () => {
  await close();
  assert.equal(source.readers, 0);
  assert.equal(qanat.hub.history.histories, 0);
  assert.equal(qanat.hub.history.resumes, 0);
});

describe("HistoryFeeds", () => {
  it("a history whose reader stalls gives its permit to one that asks (a few unread ones held all of them)", async () => {
    const { history } = qanat.hub;
    const first = stalled("10.0.0.1");
    await quiet();
    clock.pass(2, () => {});
    const second = stalled("10.0.0.2");
    await quiet();
    // Neither for long enough.
    clock.pass(2, () => {});
    assert.equal(admit("10.0.0.3").kind, "full");
    assert.equal(history.counters.suspended, 0);
    clock.pass(2, () => {});
    // The one that has stalled for longest.
    const third = stalled("10.0.0.3");
    await quiet();
    assert.equal(first.client.phase.kind, "waiting");
    assert.equal(second.client.phase.kind, "history");
    assert.equal(third.client.phase.kind, "history");
    assert.equal(history.histories, 2);
    assert.equal(source.readers, 2);
    assert.equal(history.counters.suspended, 1);
    await readOn(third);
    assertWhole(third);
  });

  it("it loses nothing: it continues where it was as soon as its reader does", async () => {
    const first = stalled("10.0.0.1");
    const second = stalled("10.0.0.2");
    await quiet();
    clock.pass(6, () => {});
    stalled("10.0.0.3");
    stalled("10.0.0.4");
    await quiet();
    for (const reader of [first, second]) {
      assert.equal(reader.client.phase.kind, "waiting");
      await readOn(reader);
      assertWhole(reader);
    }
  });

  it("one that is read on, however slowly, keeps its place", async () => {
    const readers = [stalled("10.0.0.1"), stalled("10.0.0.2")];
    await quiet();
    for (let i = 0; i < 5; i++) {
      clock.pass(4, () => {});
      for (const { outlet } of readers) outlet.finish();
      await quiet();
    }
    assert.equal(admit("10.0.0.3").kind, "full");
    assert.equal(qanat.hub.history.counters.suspended, 0);
  });

  it("one that reads on in the same instant as its permit is taken continues, too", async () => {
    const first = stalled("10.0.0.1");
    stalled("10.0.0.2");
    await quiet();
    clock.pass(6, () => {});
    stalled("10.0.0.3");
    await readOn(first);
    assertWhole(first);
  });

  it("a suspended one that leaves, or is ended, has nothing left", async () => {
    const first = stalled("10.0.0.1");
    const second = stalled("10.0.0.2");
    await quiet();
    clock.pass(6, () => {});
    stalled("10.0.0.3");
    stalled("10.0.0.4");
    await quiet();
    first.outlet.owner.onClose();
    first.outlet.finish();
    // No write has finished for --write-stall-ms.
    clock.pass(60, () => qanat.hub.tick());
    assert.equal(second.client.ended, "stalled");
    await quiet();
    const left = [...qanat.hub.lifecycle.clients()].map((c) =>
      c.options.address
    );
    assert.deepEqual(left, [""]);
  });

  it("resumes that stall give their readers to those that wait, address by address", async () => {
    const { history } = qanat.hub;
    history.isSharing = false;
    const many = Array.from({ length: 6 }, () => resumed("10.0.0.1"));
    const other = resumed("10.0.0.2");
    await quiet();
    assert.deepEqual([history.resumes, history.waiting], [4, 3]);
    // A place that becomes free goes to the address that reads least, not to the one that came first.
    many[0]!.outlet.owner.onClose();
    await quiet();
    assert.equal(other.client.phase.kind, "history");
    assert.deepEqual([history.resumes, history.waiting], [4, 2]);
    clock.pass(6, () => {});
    qanat.hub.tick();
    await quiet();
    assert.deepEqual([history.resumes, history.waiting], [4, 0]);
    const readers = [other, ...many.slice(1)];
    for (const { outlet } of readers) {
      outlet.isStalled = false;
      outlet.finish();
    }
    for (const reader of readers) await readOn(reader);
    readers.forEach(assertWhole);
  });

  it("leaves places for other addresses, and takes an address's own that stall for its new ones", async () => {
    qanat.drain();
    await close();
    await setUp({ historyReadersMax: 4, addressSharePercent: 90 });
    for (let i = 0; i < 3; i++) stalled("2001:db8::1");
    const refused = admit("2001:db8::2");
    assert.ok(refused.kind === "full" && refused.refusal === "share");
    assert.match(
      refused.limit,
      /^90 % for one address .* 4 histories at once$/,
    );
    const other = stalled("2001:db8:0:1::1");
    await quiet();
    clock.pass(6, () => {});
    stalled("2001:db8::3");
    await quiet();
    assert.equal(other.client.phase.kind, "history");
    assert.equal(qanat.hub.history.histories, 4);
    assert.equal(qanat.hub.admission.refusals.share, 1);
  });
});

describe("a history whose range ends later than its log", () => {
  it("waits for the live reading, which has not reached the end of the log (the rest was reported missing)", async () => {
    qanat.drain();
    await close();
    await setUp({}, { isLive: false });
    const [seconds, later] = [3, 4];
    const logged = ROWS + seconds * 16;
    source.end = FIRST + seconds * 16;
    const reader = stalled("10.0.0.1", {
      durationNs: BigInt(logged + later) * STRIDE_NS,
    });
    reader.outlet.isStalled = false;
    reader.outlet.finish();
    const beat = () => {
      qanat.store.tick();
      qanat.hub.look();
      qanat.hub.tick();
    };
    clock.pass(seconds, beat);
    for (let i = 0; i < 50 && ids(reader).length < logged; i++) await quiet();
    await quiet();
    assert.equal(ids(reader).length, logged);
    for (let i = 0; i <= later; i++) {
      publish();
      await quiet();
    }
    for (let i = 0; i < 50 && reader.client.ended === null; i++) {
      clock.pass(1, beat);
      await quiet();
    }
    assert.equal(reader.client.ended, "complete");
    assert.deepEqual(reader.outlet.text.match(/event: gap\n.*/g), null);
    assertWhole(reader);
    assert.equal(ids(reader).length, logged + later);
  });
});

describe("shares of an address", () => {
  it("hold for clients and for the slab, and go back with the client", async () => {
    qanat.drain();
    await close();
    await setUp({ clientsMax: 11, addressSharePercent: 50 });
    const { slab, hub: { admission } } = qanat;
    const live = (address: string) => admit(address, { startNs: undefined });
    const first = Array.from({ length: 5 }, () => live("10.0.0.1"));
    assert.ok(first.every(({ kind }) => kind === "ready"));
    const refused = live("10.0.0.1");
    assert.ok(refused.kind === "full" && refused.refusal === "share");
    assert.match(refused.limit, /11 clients/);
    for (let i = 2; i < 7; i++) {
      const other = live(`10.0.0.${i}`);
      assert.ok(other.kind === "ready");
      other.cancel();
    }
    for (const one of first) if (one.kind === "ready") one.cancel();
    assert.deepEqual([admission.shares.used, admission.shares.size], [
      1,
      0,
    ]);
    assert.equal(admission.slabShares.used, slab.reservedBytes);

    const half = slab.budgetBytes / 2;
    assert.equal(admission.slabShares.take("10.0.0.1", half), null);
    const full = live("10.0.0.1");
    assert.ok(full.kind === "full" && full.refusal === "share");
    assert.match(full.limit, /bytes in flight/);
    const other = live("10.0.0.2");
    assert.ok(other.kind === "ready");
    other.open(new HeldOutlet()).onClose();
    admission.slabShares.release("10.0.0.1", half);
    assert.equal(admission.slabShares.size, 0);
  });
});
