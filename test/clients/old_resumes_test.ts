// Clients that resume from before the resume window: which of them get rows from history, with which permit, and in which
// order. The clock is handed in, writes finish when the test says.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "@uwdata/flechette";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { Config } from "../../src/config.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import { BlockClock, configWith, silent } from "../driven_source.ts";
import { FrozenTime } from "../frozen_time.ts";
import { HeldTurns } from "../held_turns.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME, STRIDE_NS } from "./one_channel.ts";
import { PastSource, ROWS } from "./past_source.ts";

/** 16 rows. */
const WINDOW_MS = 1000;
const START = FIRST - ROWS;
/** A range that lies wholly before the window. */
const RANGE_ROWS = 200;
const RANGE: Partial<ClientOptions> = {
  startNs: BigInt(START) * STRIDE_NS,
  durationNs: BigInt(RANGE_ROWS) * STRIDE_NS,
};
const A = "10.0.0.1";
const B = "10.0.0.2";
const C = "10.0.0.3";

interface Reader {
  readonly outlet: HeldOutlet;
  readonly client: GroupClient;
}

let source: PastSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;
let time: FrozenTime;

async function setUp(
  changes: Partial<Config> = {},
  isLive = true,
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
      resumeWindowMs: WINDOW_MS,
      addressSharePercent: 100,
      ...changes,
    }),
    source,
    log: silent,
    clocks: clock,
    later: turns.later,
  });
  // Each client needs a permit here: shared_resumes_test.ts has those that share one.
  qanat.hub.history.isSharing = false;
  await qanat.start();
  if (!isLive) return;
  // Reads the channel live.
  const live = admit("", {});
  assert.ok(live.kind === "ready");
  live.open(new HeldOutlet());
  publish(2);
}

async function close(): Promise<void> {
  qanat.drain();
  await quiet();
  time.restore();
  await qanat.close();
  const { histories, resumes, waiting } = qanat.hub.history;
  assert.deepEqual(
    { histories, resumes, waiting, readers: source.readers },
    { histories: 0, resumes: 0, waiting: 0, readers: 0 },
  );
}

async function setUpAgain(
  changes: Partial<Config>,
  isLive = true,
): Promise<void> {
  await close();
  await setUp(changes, isLive);
}

function publish(rows: number): void {
  const [topic] = source.blocks.topics;
  for (let i = 0; i < rows; i++) {
    const index = clock.index++;
    source.end = clock.index;
    const block = source.blocks.blockOf(topic!, index);
    source.sink!.onMessage(topic!, block, index, 0);
    source.sink!.onCaughtUp(topic!, clock.clockMs());
  }
}

function admit(
  address: string,
  options: Partial<ClientOptions>,
  format: StreamFormat = "events",
) {
  return qanat.hub.admission.admit(
    [source.catalog.get(NAME, null)!],
    format,
    { address, ...options },
  );
}

function open(
  address: string,
  options: Partial<ClientOptions>,
  { isStalled = false, format = "events" as StreamFormat } = {},
): Reader {
  const admission = admit(address, options, format);
  assert.ok(admission.kind === "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  outlet.isStalled = isStalled;
  return { outlet, client: admission.open(outlet) };
}

/** A resume after some rows of the range, whose client reads nothing yet. */
function resumed(address: string, rows = 0): Reader {
  return open(address, { ...RANGE, afterNs: endNs(START + rows - 1) }, {
    isStalled: true,
  });
}

/** The range's first request, whose client reads nothing. */
function requested(address: string): Reader {
  return open(address, RANGE, { isStalled: true });
}

function endNs(row: number): bigint {
  return BigInt(row + 1) * STRIDE_NS;
}

/** Lets all that is under way come to a stop. */
async function quiet(): Promise<void> {
  await time.settle(turns);
}

async function readOn({ client, outlet }: Reader): Promise<void> {
  outlet.isStalled = false;
  outlet.finish();
  for (let i = 0; i < 50 && client.ended === null; i++) await quiet();
}

function kinds(readers: readonly Reader[]): string[] {
  return readers.map(({ client }) => client.phase.kind);
}

/** Rows of a reader, from its ids. */
function rowsOf({ outlet }: Reader): number[] {
  return [...outlet.text.matchAll(/^id: (\d+)\ndata: \{"time/gm)].map((m) =>
    Number(BigInt(m[1]!) / STRIDE_NS) - 1
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** It has all rows of its range after the first `rows`, once, and no gap. */
function assertWhole(reader: Reader, rows = 0): void {
  assert.equal(reader.client.ended, "complete");
  assert.doesNotMatch(reader.outlet.text, /event: gap/);
  assert.deepEqual(rowsOf(reader), range(START + rows, START + RANGE_ROWS));
}

/** Histories and resumes that are read, and those that wait for either. */
function figures(): number[] {
  const { histories, resumes, historiesWaiting, resumesWaiting } =
    qanat.hub.history;
  return [histories, resumes, historiesWaiting, resumesWaiting];
}

beforeEach(() => setUp());
afterEach(close);

describe("a resume of a range from before the resume window, while others read its channels live", () => {
  it("continues after its id (it was a gap up to the window, and the stream ended as complete)", async () => {
    for (const rows of [1, 77, RANGE_ROWS - 1]) {
      const reader = resumed(A, rows);
      await readOn(reader);
      assertWhole(reader, rows);
    }
  });

  it("continues with end instead of duration, and into what is live without both", async () => {
    const { startNs } = RANGE;
    const afterNs = endNs(START + 9);
    const bounded = open(A, { startNs, endNs: endNs(START + 99), afterNs });
    const unbounded = open(A, { startNs, afterNs });
    for (let i = 0; i < 50; i++) await quiet();
    assert.deepEqual(rowsOf(bounded), range(START + 10, START + 100));
    publish(2);
    await quiet();
    assert.deepEqual(rowsOf(unbounded), range(START + 10, FIRST + 4));
    assert.equal(unbounded.client.phase.kind, "live");
    assert.deepEqual([bounded.client.gaps, unbounded.client.gaps], [0, 0]);
  });

  it("continues in Arrow", async () => {
    const afterNs = endNs(START + 76);
    const reader = open(A, { ...RANGE, afterNs }, { format: "arrow" });
    await readOn(reader);
    assert.equal(reader.client.ended, "complete");
    assert.equal(reader.client.gaps, 0);
    const bytes = await new Blob(reader.outlet.written as BlobPart[]).bytes();
    const times = tableFromIPC(bytes, { useBigInt: true }).getChild("time");
    assert.deepEqual(
      [...times],
      range(START + 77, START + RANGE_ROWS).map((row) =>
        BigInt(row) * STRIDE_NS
      ),
    );
  });

  it("with no start keeps its gap: it is live", async () => {
    const live = open(A, { afterNs: endNs(START) });
    await quiet();
    assert.match(live.outlet.text, /event: gap\ndata: .*"retention"/);
    assert.equal(live.client.gaps, 1);
  });

  it("is a gap where there are no histories at all (--history-readers-max 0), and continues within the window", async () => {
    await setUpAgain({ historyReadersMax: 0 });
    const afterNs = endNs(START);
    const reader = open(A, { startNs: RANGE.startNs!, afterNs });
    for (let i = 0; i < 20; i++) await quiet();
    assert.match(reader.outlet.text, /event: gap\ndata: .*"retention"/);
    assert.equal(reader.client.gaps, 1);
    assert.deepEqual(rowsOf(reader), range(FIRST + 2 - 16, FIRST + 2));
  });
});

describe("the permit of a resume", () => {
  it("is one of the histories' where its next row is older than the window, else one of the resumes'", () => {
    const old = resumed(A);
    // The gap up to the window's first row does not make it an old one.
    const cut = open(A, { afterNs: endNs(START) }, { isStalled: true });
    const recent = open(A, { afterNs: endNs(FIRST - 10) }, { isStalled: true });
    const atWindow = open(A, {
      startNs: RANGE.startNs!,
      afterNs: endNs(FIRST + 2 - 16 - 1),
    }, { isStalled: true });
    assert.deepEqual(kinds([old, cut, recent, atWindow]), [
      "history",
      "history",
      "history",
      "history",
    ]);
    assert.deepEqual(figures(), [1, 3, 0, 0]);
    const before = open(A, {
      startNs: RANGE.startNs!,
      afterNs: endNs(FIRST + 2 - 16 - 2),
    }, { isStalled: true });
    assert.deepEqual(figures(), [2, 3, 0, 0]);
    assert.equal(before.client.phase.kind, "history");
  });

  it("is one of the histories' for an old id of a channel that no client reads live", async () => {
    await setUpAgain({ historyReadersMax: 1, resumeWindowMs: 5000 }, false);
    const readers = [[A, 300], [A, 60], [B, 300]].map(([address, rows]) =>
      open(
        address as string,
        { afterNs: endNs(FIRST - 1 - (rows as number)) },
        { isStalled: true },
      )
    );
    const [topic] = source.blocks.topics;
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    for (const { outlet } of readers) outlet.finish();
    qanat.hub.tick();
    await quiet();
    assert.deepEqual(kinds(readers), ["history", "history", "waiting"]);
    assert.deepEqual(figures(), [1, 1, 1, 0]);
    readers[0]!.outlet.owner.onClose();
    await quiet();
    assert.deepEqual(figures(), [1, 1, 0, 0]);
    for (const [i, rows] of [[1, 60], [2, 300]] as const) {
      const { outlet } = readers[i]!;
      outlet.isStalled = false;
      outlet.finish();
      for (let n = 0; n < 20; n++) await quiet();
      // Up to where rows are known: the channel's latency is 1 s.
      assert.deepEqual(rowsOf(readers[i]!), range(FIRST - rows, FIRST - 16));
    }
  });

  it("leaves the resumes' readers to others, whatever number of old ones one address asks for", async () => {
    await setUpAgain({ historyReadersMax: 4, addressSharePercent: 90 });
    const ofA = Array.from({ length: 20 }, () => resumed(A));
    await quiet();
    // 90 % of four.
    assert.deepEqual(figures(), [3, 0, 17, 0]);
    const recent = open(B, { afterNs: endNs(FIRST - 10) });
    const old = resumed(B);
    await quiet();
    assert.equal(recent.client.phase.kind, "live");
    assert.equal(old.client.phase.kind, "history");
    // And a new history of the same address is refused, as before.
    assert.equal(admit(A, RANGE).kind, "full");
    assert.deepEqual(figures(), [4, 0, 17, 0]);
    await readOn(old);
    assertWhole(old);
    for (const client of ofA) client.outlet.owner.onClose();
    await quiet();
    assert.deepEqual(figures(), [0, 0, 0, 0]);
  });

  it("is one of the histories' when a suspended history comes back", async () => {
    const first = requested(A);
    await quiet();
    clock.pass(1, () => {});
    const second = requested(B);
    await quiet();
    clock.pass(6, () => {});
    const third = requested(C);
    await quiet();
    assert.deepEqual(kinds([first, second, third]), [
      "waiting",
      "history",
      "history",
    ]);
    assert.deepEqual(figures(), [2, 0, 0, 0]);
    first.outlet.isStalled = false;
    first.outlet.finish();
    await quiet();
    assert.deepEqual(figures(), [2, 0, 1, 0]);
    await readOn(third);
    await readOn(first);
    assertWhole(first);
    assertWhole(third);
  });
});

describe("the line of old resumes", () => {
  it("is never refused, gets heartbeats, and begins when a permit is returned", async () => {
    await setUpAgain({ historyReadersMax: 1, heartbeatMs: 1000 });
    const reading = requested(A);
    await quiet();
    const waiting = resumed(B, 50);
    waiting.outlet.isStalled = false;
    waiting.outlet.finish();
    assert.equal(waiting.client.phase.kind, "waiting");
    clock.pass(2, () => qanat.hub.tick());
    turns.run();
    // A heartbeat: the id that it came with.
    const heartbeat = `id: ${endNs(START + 49)}\n\n`;
    assert.ok(waiting.outlet.text.endsWith(heartbeat), waiting.outlet.text);
    assert.deepEqual(rowsOf(waiting), []);
    await readOn(reading);
    await readOn(waiting);
    assertWhole(reading);
    assertWhole(waiting, 50);
  });

  it("serves the address that reads least, and then the one that was served longest ago", async () => {
    const reading = [requested(A), requested(A)];
    const firstOfA = resumed(A);
    const secondOfA = resumed(A);
    const ofB = resumed(B);
    const ofC = resumed(C);
    await quiet();
    assert.deepEqual(figures(), [2, 0, 4, 0]);
    await readOn(reading[0]!);
    assert.deepEqual(kinds([firstOfA, secondOfA, ofB, ofC]), [
      "waiting",
      "waiting",
      "history",
      "waiting",
    ]);
    await readOn(ofB);
    assert.equal(ofC.client.phase.kind, "history");
    await readOn(reading[1]!);
    assert.deepEqual(kinds([firstOfA, secondOfA]), ["history", "waiting"]);
    await readOn(ofC);
    await readOn(firstOfA);
    await readOn(secondOfA);
    [firstOfA, secondOfA, ofB, ofC].forEach((reader) => assertWhole(reader));
  });

  it("does not wait for one that the share of its address refuses", async () => {
    await setUpAgain({ historyReadersMax: 2, addressSharePercent: 50 });
    const reading = requested(A);
    const ofA = resumed(A);
    await quiet();
    assert.deepEqual(kinds([reading, ofA]), ["history", "waiting"]);
    const ofB = resumed(B);
    assert.deepEqual(kinds([ofA, ofB]), ["waiting", "history"]);
    await readOn(ofB);
    assertWhole(ofB);
    assert.deepEqual(figures(), [1, 0, 1, 0]);
    await readOn(reading);
    assert.equal(ofA.client.phase.kind, "history");
    await readOn(ofA);
    assertWhole(ofA);
  });

  it("gets the permits of clients that have stalled, before new histories", async () => {
    const stalled = [requested(A), requested(B)];
    const old = resumed(C, 10);
    await quiet();
    clock.pass(2, () => qanat.hub.tick());
    assert.equal(old.client.phase.kind, "waiting");
    clock.pass(4, () => {});
    // Two have stalled: the first permit is for the one that waits, the second for the new one.
    const fresh = requested("10.0.0.4");
    await quiet();
    assert.deepEqual(kinds([...stalled, old, fresh]), [
      "waiting",
      "waiting",
      "history",
      "history",
    ]);
    const later = resumed(C);
    assert.equal(admit("10.0.0.5", RANGE).kind, "full");
    clock.pass(6, () => {});
    qanat.hub.tick();
    await quiet();
    assert.equal(later.client.phase.kind, "history");
    // The one of its own address is suspended first.
    assert.deepEqual(kinds([old, fresh]), ["waiting", "history"]);
    for (const reader of [later, old, ...stalled, fresh]) await readOn(reader);
    assertWhole(later);
    assertWhole(old, 10);
    assertWhole(fresh);
    stalled.forEach((reader) => assertWhole(reader));
  });

  it("gets a permit that no reader used (a request that is cancelled)", async () => {
    await setUpAgain({ historyReadersMax: 1 });
    const cancelled = admit(A, RANGE);
    assert.ok(cancelled.kind === "ready");
    const old = resumed(B);
    await quiet();
    assert.equal(old.client.phase.kind, "waiting");
    cancelled.cancel();
    await quiet();
    assert.equal(old.client.phase.kind, "history");
    await readOn(old);
    assertWhole(old);
  });

  it("keeps nothing of clients that leave in it, suspended, or while they are given a permit", async () => {
    await setUpAgain({ historyReadersMax: 1 });
    const reading = requested(A);
    const leaving = resumed(B);
    const others = [resumed(C), resumed(C)];
    await quiet();
    leaving.outlet.owner.onClose();
    assert.deepEqual(figures(), [1, 0, 2, 0]);
    clock.pass(6, () => qanat.hub.tick());
    // Both ends of the pass leave before the reader of the first is closed.
    assert.equal(others[0]!.client.phase.kind, "history");
    others[0]!.outlet.owner.onClose();
    reading.outlet.owner.onClose();
    await quiet();
    assert.equal(others[1]!.client.phase.kind, "history");
    assert.deepEqual(figures(), [1, 0, 0, 0]);
    assert.equal(source.readers, 1);
    clock.pass(6, () => {});
    const passedTo = requested(B);
    await quiet();
    others[1]!.outlet.owner.onClose();
    passedTo.outlet.owner.onClose();
    await quiet();
    assert.deepEqual(figures(), [0, 0, 0, 0]);
  });
});
