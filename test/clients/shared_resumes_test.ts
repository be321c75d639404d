// Clients of one selection that resume from about the same row: they share one reading of the log.
// Invariant: each gets the rows that it would get alone, once and in order; one that stalls holds no other up.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import type { Config } from "../../src/config.ts";
import { ALICE } from "./rights.ts";
import {
  END,
  FIRST,
  LoggedSource,
  NAMES,
  type Resumed,
  ResumingWorld,
  rowsOf,
  START,
} from "./resuming_world.ts";

/** A history's memory for about 20 rows. */
const SMALL_MB = 1 / 64;

let world: ResumingWorld;

async function setUp(
  changes: Partial<Config> = {},
  isSharing = true,
): Promise<void> {
  world = new ResumingWorld(new LoggedSource(), changes);
  world.history.isSharing = isSharing;
  await world.start();
}

/** So many clients that have the row before `row`, each of another address. */
function resumes(count: number, row = START, isStalled = false): Resumed[] {
  return Array.from(
    { length: count },
    (_, i) =>
      world.resume(
        { lastRow: row - 1, address: `10.0.${i >> 8}.${i & 255}` },
        isStalled,
      ),
  );
}

function assertWhole(resumed: Resumed, from = START): void {
  assert.deepEqual(
    rowsOf(resumed),
    Array.from({ length: END - from }, (_, i) => from + i),
  );
  assert.deepEqual(resumed.outlet.text.match(/event: gap\n.*/g), null);
}

function reading(): Set<unknown> {
  const clients = [...world.qanat.hub.lifecycle.clients()];
  return new Set(
    clients.map(({ phase }) => phase.kind === "history" ? phase.handle : null)
      .filter((handle) => handle !== null),
  );
}

afterEach(() => world.close());

describe("equal resumes", () => {
  it("are one reading, whatever their number (each of 20 read the log by itself, four at a time)", async () => {
    await setUp();
    const all = resumes(20);
    assert.deepEqual(
      [world.history.resumes, world.history.waiting, reading().size],
      [1, 0, 1],
    );
    await world.readOn(all);
    for (const resumed of all) assertWhole(resumed);
    assert.equal(world.source.opened, 1);
    assert.equal(world.history.counters.joined, 19);
    assert.equal(world.history.counters.outpaced, 0);
    const { reads } = world.source;
    const texts = all.map(({ outlet }) => outlet.text);
    await world.close();

    await setUp({}, false);
    const alone = resumes(20);
    await world.readOn(alone);
    assert.equal(world.source.opened, 20);
    assert.equal(world.source.reads, 20 * reads);
    alone.forEach(({ outlet }, i) => assert.ok(outlet.text === texts[i]));
  });

  it("encode each row once", async () => {
    await setUp();
    const [live] = [...world.qanat.hub.lifecycle.clients()];
    const { group } = live!;
    let encoded = 0;
    const { encoderFor } = group;
    group.encoderFor = (timeline) => {
      const encoder = encoderFor.call(group, timeline);
      return {
        ...encoder,
        encode: (row, isFill) => {
          encoded++;
          return encoder.encode(row, isFill);
        },
      };
    };
    const all = resumes(50);
    await world.readOn(all);
    for (const resumed of all) assertWhole(resumed);
    assert.equal(encoded, END - START);
  });

  it("begin each with its own row", async () => {
    await setUp();
    const rows = [START, START + 40, START + 7, FIRST - 1, START + 7];
    const all = rows.map((row) => resumes(1, row)[0]!);
    await world.readOn(all);
    all.forEach((resumed, i) => assertWhole(resumed, rows[i]));
    assert.equal(world.source.opened, 1);
  });

  it("that wait for a permit begin together, at the row of the one that is furthest behind", async () => {
    await setUp();
    // Each of these is of another row before the one of the reading before it, so none can join.
    const first = [60, 50, 40, 30].flatMap((row) =>
      resumes(1, START + row, true)
    );
    const waiting = [20, 10, 15].flatMap((row) =>
      resumes(1, START + row, true)
    );
    assert.deepEqual([world.history.resumes, world.history.waiting], [4, 3]);
    for (const { outlet } of first) outlet.owner.onClose();
    await world.quiet();
    assert.deepEqual([world.history.resumes, world.history.waiting], [1, 0]);
    await world.readOn(waiting);
    [20, 10, 15].forEach((row, i) => assertWhole(waiting[i]!, START + row));
    assert.equal(world.source.opened, 5);
  });

  it("that come later join as long as the reading has their row in memory", async () => {
    await setUp();
    const stalled = resumes(1, START, true);
    await world.quiet();
    const later = resumes(3, START + 1);
    await world.readOn(later);
    await world.readOn(stalled);
    for (const resumed of later) assertWhole(resumed, START + 1);
    for (const resumed of stalled) assertWhole(resumed);
    assert.equal(world.source.opened, 1);
  });

  it("do not join from further away than the resume window, nor across selections or formats", async () => {
    await setUp({ resumeWindowMs: 1000, historyReadersMax: 4 });
    const startNs = BigInt(START) * 62_500_000n;
    const requests = [
      { lastRow: START - 1 },
      { lastRow: START + 100 },
      { lastRow: START - 1, names: NAMES.slice(0, 1) },
      { lastRow: START - 1, format: "events-arrow" as const },
    ];
    const all = requests.map((request) =>
      world.resume({ ...request, startNs }, true)
    );
    assert.equal(reading().size, 4);
    assert.equal(world.history.counters.joined, 0);
    await world.readOn(all);
    assertWhole(all[1]!, START + 101);
  });

  it("wait by themselves while the reading fails, and a reading that fails for too long ends its clients alone", async () => {
    await setUp({ outageWaitMs: 10_000 });
    world.source.failure = new Error("no broker");
    const first = resumes(3);
    await world.quiet();
    const later = resumes(1);
    assert.equal(reading().size, 2);
    for (let i = 0; i < 30; i++) {
      world.clock.pass(1, () => {});
      await world.quiet();
    }
    for (const { client } of [...first, ...later]) {
      assert.equal(client.ended, "error");
    }
  });
});

describe("a client of a shared reading that stalls", () => {
  it("holds no other up, and is sent what the reading still has in memory", async () => {
    await setUp();
    const stalled = resumes(1, START, true);
    const others = resumes(20);
    await world.readOn(others);
    for (const resumed of others) assertWhole(resumed);
    assert.ok(rowsOf(stalled[0]!).length < 10);
    await world.readOn(stalled);
    assertWhole(stalled[0]!);
    assert.equal(world.source.opened, 1);
    assert.equal(world.history.counters.outpaced, 0);
  });

  it("leaves it when its row is not in memory any more, and reads by itself the third time", async () => {
    await setUp({ historyMb: SMALL_MB });
    const { counters } = world.history;
    const [stalled] = resumes(1, START, true);
    for (let i = 1; i <= 2; i++) {
      const from = stalled!.client.cursor;
      const others = resumes(5, from);
      await world.readOn(others);
      for (const resumed of others) assertWhole(resumed, from);
      // It takes a few rows; only with the next ones are its rows gone.
      stalled!.outlet.finish();
      await world.quiet();
      assert.equal(counters.outpaced, i);
      assert.equal(stalled!.client.phase.kind, "history");
    }
    // It has a reading of its own.
    const joined = counters.joined;
    const from = stalled!.client.cursor;
    const [other] = resumes(1, from);
    assert.equal(counters.joined, joined);
    await world.readOn([other!, stalled!]);
    assertWhole(other!, from);
    assertWhole(stalled!);
    assert.equal(counters.outpaced, 2);
  });

  it("takes no memory: the reading keeps what one history may have", async () => {
    await setUp({ historyMb: SMALL_MB, inFlightFrames: 2 });
    const { slab } = world.qanat;
    const stalled = resumes(50, START, true);
    const others = resumes(5);
    await world.readOn(others);
    // Frames of the stalled ones that were written, which they share.
    assert.ok(slab.usedSlots <= 2 + 1, `${slab.usedSlots} slots`);
    assert.equal(world.source.readers, 1);
    await world.readOn(stalled);
    for (const resumed of stalled) assertWhole(resumed);
  });

  it("leaves it at a gap that is not remembered any more", async () => {
    await setUp();
    const { missing, blocks } = world.source;
    for (let row = START + 20; row < FIRST; row += 2) {
      for (const topic of blocks.topics) missing.add(`${topic} ${row}`);
    }
    const [stalled] = resumes(1, START, true);
    const [other] = resumes(1);
    await world.readOn([other!]);
    await world.readOn([stalled!]);
    assert.equal(world.history.counters.outpaced, 1);
    assert.ok(stalled!.outlet.text === other!.outlet.text);
  });

  it("returns the permit to those that wait when all of the reading have stalled", async () => {
    await setUp();
    const stalled = [60, 50, 40, 30].flatMap((row) =>
      resumes(5, START + row, true)
    );
    const [waiting] = resumes(1, START);
    await world.quiet();
    assert.equal(waiting!.client.phase.kind, "waiting");
    world.clock.pass(6, () => {});
    world.qanat.hub.tick();
    await world.readOn([waiting!]);
    assertWhole(waiting!);
    assert.ok(world.history.counters.suspended >= 1);
    await world.readOn(stalled);
    [60, 50, 40, 30].forEach((row, i) => {
      for (const resumed of stalled.slice(5 * i, 5 * i + 5)) {
        assertWhole(resumed, START + row);
      }
    });
  });
});

describe("a client of a shared reading that loses its rights", () => {
  it("is ended alone", async () => {
    await setUp();
    let lost: "revoked" | null = null;
    const rights = { ...ALICE, lost: () => lost };
    const revoked = world.resume({ lastRow: START - 1, rights }, true);
    const others = resumes(3, START, true);
    assert.equal(reading().size, 1);
    await world.quiet();
    const rows = rowsOf(revoked);
    lost = "revoked";
    world.qanat.hub.rightsChanged();
    await world.readOn(others);
    assert.equal(revoked.client.ended, "revoked");
    assert.deepEqual(rowsOf(revoked), rows);
    for (const resumed of others) assertWhole(resumed);
    assert.equal(world.source.opened, 1);
  });
});

describe("the permit of a shared reading", () => {
  it("goes to another of its clients when the one that had it leaves", async () => {
    await setUp();
    const all = resumes(3, START, true);
    await world.quiet();
    all[0]!.outlet.owner.onClose();
    await world.quiet();
    assert.equal(world.history.resumes, 1);
    assert.equal(reading().size, 1);
    await world.readOn(all.slice(1));
    for (const resumed of all.slice(1)) assertWhole(resumed);
    assert.equal(world.source.opened, 1);
  });

  it("is returned when all of them have disconnected", async () => {
    await setUp();
    const all = resumes(30, START, true);
    await world.quiet();
    for (const { outlet } of all) outlet.owner.onClose();
    await world.quiet();
    assert.equal(world.history.resumes, 0);
    assert.equal(world.source.readers, 0);
  });
});
