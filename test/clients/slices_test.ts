// Rows that are handed out eight writes at a time, while clients come, go and stall between the slices.
// Invariant: whatever the order, each client gets every row from its first one on, once, in order.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import {
  backToRing,
  fellBehind,
  readingHistory,
} from "../../src/clients/client_phase.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { Config } from "../../src/config.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { messagesIn } from "./arrow_messages.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { turn, writtenOut } from "./written_out.ts";

const FIRST = 23_671_510_000;
const NAMES = ["H1:QANAT-SINE_F32_16", "H1:QANAT-SINE_F32_256"];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);

interface Reader {
  readonly client: GroupClient;
  readonly outlet: HeldOutlet;
}

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let row = FIRST;

async function setUp(changes: Partial<Config> = {}): Promise<void> {
  row = FIRST;
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  qanat = new Qanat({
    config: configWith({
      retentionMb: 4,
      lingerMs: 0,
      sliceMs: 0,
      ...changes,
    }),
    source,
    log: silent,
    clocks: clock,
    later: setImmediate,
  });
  await qanat.start();
}

beforeEach(() => setUp());

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

function open(names: readonly string[]): Reader {
  const admission = qanat.hub.admission.admit(
    names.map((name) => source.catalog.get(name, null)!),
    "arrow",
    { address: "" },
  );
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  return { outlet, client: admission.open(outlet) };
}

function publish(): void {
  for (const topic of source.blocks.topics) {
    clock.index = row + 1;
    source.sink!.onMessage(topic, source.blocks.blockOf(topic, row), row, 0);
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
  row++;
}

/** Row indexes of what was written, the schema left out. */
function rowsOf({ outlet }: Reader): number[] {
  return outlet.written.slice(1).flatMap(messagesIn).map((message) => {
    const view = new DataView(message.buffer, message.byteOffset);
    const bodyAt = 8 + view.getInt32(4, true);
    return Number(view.getBigInt64(bodyAt, true) / 62_500_000n);
  });
}

function assertWhole(reader: Reader): void {
  const rows = rowsOf(reader);
  for (let i = 1; i < rows.length; i++) {
    assert.equal(rows[i], rows[i - 1]! + 1, `after ${rows[i - 1]}`);
  }
}

/** Of a client that a test sends to history. */
const NO_FEED = { clientDrained: () => {}, clientEnded: () => {} };

const quiet = () => writtenOut(qanat);

describe("rows in slices", () => {
  it("are not all written in the call that brings them, and all are in the end", async () => {
    const readers = Array.from({ length: 50 }, () => open(NAMES));
    publish();
    await quiet();
    const { counters } = qanat.hub.figures;
    const before = counters.framesSent;
    publish();
    assert.ok(counters.framesSent - before <= 8);
    await quiet();
    assert.equal(counters.framesSent - before, 50);
    for (const reader of readers) assertWhole(reader);
  });

  it("reach clients that stay, while others connect, leave and stall", async () => {
    let state = 7;
    const random = (below: number) =>
      (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
    const selections = [NAMES, NAMES.slice(0, 1), NAMES.slice(1)];
    const readers = new Set<Reader>();
    const left: Reader[] = [];
    const join = () => readers.add(open(selections[random(3)]!));
    for (let i = 0; i < 90; i++) join();
    publish();
    await quiet();
    for (let step = 0; step < 600; step++) {
      const all = [...readers];
      const some = all[random(all.length)]!;
      switch (random(6)) {
        case 0:
          join();
          break;
        case 1:
          some.outlet.owner.onClose();
          readers.delete(some);
          left.push(some);
          break;
        case 2:
          some.outlet.isStalled = true;
          break;
        case 3:
          some.outlet.isStalled = false;
          some.outlet.finish();
          break;
        default:
          publish();
      }
      if (random(2)) await turn();
    }
    for (const { outlet } of readers) {
      outlet.isStalled = false;
      outlet.finish();
    }
    publish();
    await quiet();
    for (const reader of [...readers, ...left]) assertWhole(reader);
    for (const reader of readers) {
      assert.equal(rowsOf(reader).at(-1), row - 1);
      assert.equal(reader.client.gaps, 0);
    }
    assert.equal(qanat.hub.liveQueue.size, 0);
  });

  it("of a group whose last client leaves half way are released", async () => {
    const readers = Array.from({ length: 40 }, () => open(NAMES));
    publish();
    await quiet();
    publish();
    await turn();
    assert.ok(qanat.slab.usedSlots > 0);
    for (const { outlet } of readers) outlet.owner.onClose();
    assert.equal(qanat.hub.figures.clients, 0);
    assert.equal(qanat.slab.reservedBytes, 0);
    while (qanat.hub.groups.size > 0) await turn();
    assert.equal(qanat.slab.usedSlots, 0);
    await quiet();
    assert.equal(qanat.hub.liveQueue.size, 0);
  });

  it("wait for no client that leaves: sockets and groups are closed a few a turn", async () => {
    const readers = Array.from(
      { length: 40 },
      (_, i) => open(NAMES.slice(i % 2)),
    );
    publish();
    await quiet();
    const steady = open(NAMES);
    const closed = () =>
      readers.filter(({ outlet }) => outlet.ending === "destroyed").length;
    for (const { outlet } of readers) {
      outlet.isStalled = true;
      // As a socket may: it reports its end twice.
      outlet.owner.onClose();
      outlet.owner.onClose();
    }
    assert.equal(qanat.hub.figures.clients, 1);
    assert.ok(closed() < 3, `${closed()}`);
    assert.equal(qanat.hub.groups.size, 2);
    const { framesSent } = qanat.hub.figures.counters;
    publish();
    await turn();
    assert.equal(qanat.hub.figures.counters.framesSent, framesSent + 1);
    assert.ok(closed() < 6, `${closed()}`);
    while (closed() < readers.length) await turn();
    assert.equal(qanat.hub.groups.size, 1);
    assert.equal(qanat.hub.figures.ends["client-left"], readers.length);
    assert.equal(qanat.slab.reservedBytes, steady.client.group.slotBytes);
    assertWhole(steady);
  });

  it("find a group again whose clients are closed, and which is not closed yet", async () => {
    const readers = Array.from({ length: 40 }, () => open(NAMES));
    publish();
    await quiet();
    for (const { outlet } of readers) outlet.owner.onClose();
    const late = open(NAMES);
    assert.equal(late.client.group, readers[0]!.client.group);
    await quiet();
    publish();
    await quiet();
    assert.equal(qanat.hub.groups.size, 1);
    assert.deepEqual(rowsOf(late).at(-1), row - 1);
  });

  it("end bounded streams at their end", async () => {
    const admission = (i: number) =>
      qanat.hub.admission.admit(
        [source.catalog.get(NAMES[0]!, null)!],
        "arrow",
        { address: "", durationNs: BigInt(i + 1) * 62_500_000n },
      );
    open(NAMES.slice(0, 1));
    publish();
    await quiet();
    const readers = Array.from({ length: 30 }, (_, i) => {
      const ready = admission(i % 3);
      assert.ok(ready.kind === "ready");
      const outlet = new HeldOutlet();
      return { outlet, client: ready.open(outlet) };
    });
    for (let i = 0; i < 4; i++) publish();
    await quiet();
    readers.forEach((reader, i) => {
      assert.equal(reader.client.rows, 1 + i % 3);
      assert.equal(reader.client.ended, "complete");
      assert.equal(reader.outlet.ending, "ended");
    });
    assert.equal(qanat.hub.figures.clients, 1);
  });

  it("reach all clients though some join half way (one of the others waited for the next row)", async () => {
    const readers = Array.from({ length: 40 }, () => open(NAMES));
    publish();
    await quiet();
    for (let round = 0; round < 12; round++) {
      publish();
      for (let i = 0; i < 3; i++) {
        await turn();
        readers.push(open(NAMES));
      }
      await quiet();
      // The newest ones begin with the row behind it.
      const before = readers.slice(0, -3);
      for (const { client } of before) assert.equal(client.cursor, row);
    }
  });

  it("reach a client that returns from history half way (it waited for the next row)", async () => {
    const readers = Array.from({ length: 40 }, () => open(NAMES));
    publish();
    await quiet();
    const away = readers.slice(20);
    for (let round = 0; round < 5; round++) {
      for (const { client } of away) {
        assert.ok(client.phase.kind === "live");
        client.become(fellBehind(client.phase));
        client.become(readingHistory(NO_FEED));
      }
      publish();
      await turn();
      for (const { client } of away) {
        assert.equal(client.cursor, row - 1, "its group leaves it to history");
        assert.ok(client.phase.kind === "history");
        client.become(backToRing(client.phase));
        client.onDrain();
      }
      await quiet();
      for (const { client } of readers) assert.equal(client.cursor, row);
    }
  });

  it("that are caught up go to every client that waits (the first one took every turn)", async () => {
    await qanat.close();
    await setUp({ catchUpRowsMax: 1 });
    const readers = [open(NAMES), open(NAMES), open(NAMES)];
    publish();
    await quiet();
    for (const { outlet } of readers) outlet.isStalled = true;
    for (let i = 0; i < 100; i++) publish();
    await quiet();
    const before = readers.map(({ client }) => client.rows);
    for (const { outlet } of readers) {
      outlet.isStalled = false;
      outlet.finish();
    }
    for (let i = 0; i < 30; i++) await turn();
    readers.forEach(({ client }, i) => {
      const rows = client.rows - before[i]!;
      assert.ok(rows >= 1, `client ${i}: ${rows} rows`);
    });
    await quiet();
    for (const reader of readers) assertWhole(reader);
  });

  it("go first to a client that is behind by little, whatever number is behind by much (half that stalled cost the others 90 s)", async () => {
    await qanat.close();
    await setUp({ catchUpRowsMax: 2 });
    const many = Array.from({ length: 20 }, () => open(NAMES));
    const one = open(NAMES);
    publish();
    await quiet();
    const stall = (readers: readonly Reader[], isStalled: boolean) => {
      for (const { outlet } of readers) {
        outlet.isStalled = isStalled;
        if (!isStalled) outlet.finish();
      }
    };
    stall(many, true);
    for (let i = 0; i < 100; i++) publish();
    await quiet();
    stall([one], true);
    for (let i = 0; i < 20; i++) publish();
    await quiet();
    stall([...many, one], false);
    for (let i = 0; i < 1000 && one.client.cursor < row; i++) await turn();
    assert.equal(one.client.cursor, row);
    assert.ok(many.some(({ client }) => client.cursor < row - 50));
    await quiet();
    for (const reader of many) assertWhole(reader);
  });

  it("continue with the newest once the ring has lost the backlog, the span reported once", async () => {
    await qanat.close();
    await setUp({ retentionMb: 1 });
    const readers = Array.from({ length: 40 }, () => open(NAMES));
    publish();
    await quiet();
    for (let i = 0; i < 2000; i++) publish();
    // A gap and a row for each, one a turn.
    for (let i = 0; i < 100; i++) await turn();
    await quiet();
    for (const { client } of readers) {
      assert.equal(client.cursor, row);
      assert.equal(client.gaps, 1);
      assert.ok(client.rows < 20, `${client.rows} rows`);
    }
  });
});
