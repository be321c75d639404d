// Instances whose blocks another thread reads, against one that reads them itself.
// Invariant: clients get the same bytes, whenever their instance joined and whenever it began to lease a topic.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Ingest } from "../../src/ingest/ingest.ts";
import { LogSource } from "../../src/ingest/log_source.ts";
import type {
  Port,
  ReadingMessage,
  ServingMessage,
} from "../../src/ingest/messages.ts";
import { SharedRingWriter } from "../../src/memory/shared_ring.ts";
import { gpsNsOfMs } from "../../src/blocks/gps_time.ts";
import type { Source } from "../../src/source/source.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { playRows } from "../played_rows.ts";
import { ingestOf, joined } from "./through_log.ts";

const FIRST = 23_671_510_000;
const NAMES = [
  "H1:QANAT-COUNT_I64_16",
  "H1:QANAT-RAMP_I16_64",
  "H1:QANAT-SINE_F32_256",
];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);

/** Time that all instances share. */
let clock: BlockClock;
const instances: Qanat[] = [];
const closed: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const qanat of instances.splice(0)) {
    qanat.drain();
    await qanat.close();
  }
  for (const close of closed.splice(0)) await close();
});

const now = () => {
  const unixMs = clock.nowMs();
  return { gpsMs: clock.index * 62.5 + 1, unixMs };
};

async function instance(
  source: Source,
  ring?: Awaited<ReturnType<typeof joined>>["ring"],
): Promise<Qanat> {
  const qanat = new Qanat({
    config: configWith({ retentionMb: 4, lingerMs: 0 }),
    source,
    log: silent,
    clocks: clock,
    ...ring === undefined ? {} : { ring },
  });
  await qanat.start();
  instances.push(qanat);
  return qanat;
}

async function overLog(ingest: Ingest): Promise<Qanat> {
  const { ring, source } = await joined(ingest, now, clock.clockMs);
  return await instance(source, ring);
}

function open(
  qanat: Qanat,
  format: StreamFormat,
  options: Partial<ClientOptions> = {},
): HeldOutlet {
  const admission = qanat.hub.admission.admit(
    NAMES.map((name) => qanat.catalog.get(name, null)!),
    { format },
    { address: "", ...options },
  );
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  admission.open(outlet);
  return outlet;
}

/** Row `index` of some topics. */
function publish(
  source: DrivenSource,
  index: number,
  has: (topic: string) => boolean = () => true,
): void {
  clock.index = index + 1;
  for (const topic of source.blocks.topics) {
    if (!source.wanted.has(topic)) continue;
    if (has(topic)) {
      const block = source.blocks.blockOf(topic, index);
      source.sink!.onMessage(topic, block, index, clock.nowMs());
    }
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
}

/** Until what was published has come through. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const bodyOf = (outlet: HeldOutlet) => Buffer.concat(outlet.written);

describe("an instance over the log", () => {
  it("sends the bytes of one that reads by itself: rows, missing blocks, gaps, bad messages, resets", async () => {
    clock = new BlockClock(FIRST);
    const own = new DrivenSource(channels);
    const shared = new DrivenSource(channels);
    const ingest = await ingestOf(shared, clock);
    closed.push(() => ingest.close());
    const direct = await instance(own);
    const workers = [await overLog(ingest), await overLog(ingest)];
    const formats = ["arrow", "events", "flight"] as const;
    const gaps = ["fill", "skip"] as const;
    const openAll = (qanat: Qanat) =>
      formats.flatMap((format) =>
        gaps.map((policy) => open(qanat, format, { gaps: policy }))
      );
    const expected = openAll(direct);
    const others = workers.map(openAll);
    await settle();
    const [one] = own.blocks.topics;
    await playRows(FIRST, [own, shared], { publish, settle });
    for (const outlets of others) {
      outlets.forEach((outlet, i) => {
        assert.ok(bodyOf(outlet).byteLength > 5000);
        assert.ok(bodyOf(outlet).equals(bodyOf(expected[i]!)), `${i}`);
      });
    }
    // Each topic is counted by one of them.
    const sum = (read: (worker: Qanat) => number) =>
      workers.reduce((total, worker) => total + read(worker), 0);
    assert.equal(sum(({ store }) => store.counters.holes), 3);
    assert.equal(sum(({ store }) => store.lag.count), direct.store.lag.count);
    for (const counter of ["bad", "blocks", "missed"] as const) {
      const counted = direct.store.total(counter);
      assert.equal(sum(({ store }) => store.total(counter)), counted, counter);
    }
    for (const { store } of workers) {
      assert.equal(store.partition(one!)!.counters.bad, 1);
    }
  });

  it("counts for all what no other counts any more", async () => {
    clock = new BlockClock(FIRST);
    const shared = new DrivenSource(channels);
    const ingest = await ingestOf(shared, clock);
    closed.push(() => ingest.close());
    const first = await overLog(ingest);
    const second = await overLog(ingest);
    const [stream] = [open(first, "events"), open(second, "events")];
    await settle();
    const total = () =>
      first.store.total("blocks") + second.store.total("blocks");
    let row = FIRST;
    const publishAll = async (count: number) => {
      for (let i = 0; i < count; i++) publish(shared, row++);
      await settle();
    };
    await publishAll(5);
    const topics = shared.wanted.size;
    assert.ok(topics > 0);
    assert.deepEqual([total(), second.store.total("blocks")], [5 * topics, 0]);
    stream!.owner.onClose();
    await settle();
    first.store.tick();
    await settle();
    await publishAll(5);
    assert.equal(first.store.total("blocks"), 5 * topics);
    assert.equal(total(), 10 * topics);
    const third = await overLog(ingest);
    open(third, "events");
    await settle();
    await publishAll(1);
    assert.equal(total(), 11 * topics);
    assert.equal(third.store.total("blocks"), 0);
  });

  it("that joins later has the rows of before, from the ring alone", async () => {
    clock = new BlockClock(FIRST);
    const shared = new DrivenSource(channels);
    const ingest = await ingestOf(shared, clock);
    closed.push(() => ingest.close());
    const first = await overLog(ingest);
    const early = open(first, "arrow");
    await settle();
    for (let i = 0; i < 40; i++) publish(shared, FIRST + i);
    await settle();
    const later = await overLog(ingest);
    const resumed = open(later, "arrow", {
      afterNs: gpsNsOfMs((FIRST + 10) * 62.5),
    });
    const live = open(later, "arrow");
    await settle();
    for (let i = 40; i < 50; i++) publish(shared, FIRST + i);
    await settle();
    const rowBytes = early.written.at(-1)!.byteLength;
    const rowsOf = (outlet: HeldOutlet) =>
      Math.floor(bodyOf(outlet).byteLength / rowBytes);
    const all = bodyOf(early);
    const tail = bodyOf(resumed).subarray(-40 * rowBytes);
    assert.ok(all.subarray(-40 * rowBytes).equals(tail));
    assert.ok(rowsOf(resumed) >= 40 && rowsOf(resumed) <= 42);
    // A live client begins with a new row, not with those of before.
    assert.ok(rowsOf(live) >= 9 && rowsOf(live) <= 12, `${rowsOf(live)} rows`);
    assert.equal(shared.wanted.size, shared.blocks.topics.length);
  });

  it("never sends a row that was overwritten while it was encoded", async () => {
    clock = new BlockClock(FIRST);
    const shared = new DrivenSource(channels);
    const ingest = await ingestOf(shared, {
      ringBytes: 64 * 1024,
      clockMs: clock.clockMs,
    });
    closed.push(() => ingest.close());
    const { ring, source } = await joined(ingest, now, clock.clockMs);
    const qanat = await instance(source, ring);
    const outlet = open(qanat, "events");
    await settle();
    // As if the other thread wrote while this one encodes: its ring is full of other blocks by the second look.
    let isOverwriting = false;
    let overwritten = 0;
    const copied = ring.copied.bind(ring);
    ring.copied = () => {
      if (isOverwriting && new Error().stack!.includes("isOverwritten")) {
        isOverwriting = false;
        overwritten++;
        const [topic] = shared.blocks.topics;
        for (let i = 0; i < 200; i++) {
          shared.sink!.onMessage(topic!, new Uint8Array(1000).fill(1), 0, 0);
        }
        ingest.log.publish();
      }
      copied();
    };
    for (let i = 0; i < 30; i++) {
      isOverwriting = i % 10 === 5;
      publish(shared, FIRST + i);
      await settle();
    }
    assert.equal(overwritten, 3);
    const rows = outlet.text.split("\n\n").filter((event) =>
      event.startsWith("id: ") && event.includes("channels")
    );
    assert.ok(rows.length >= 20 && rows.length < 30, `${rows.length} rows`);
    for (const event of rows) {
      const row = JSON.parse(event.slice(event.indexOf("{")));
      const index = Number(BigInt(row.time) / 62_500_000n);
      const [count] = row.channels["H1:QANAT-COUNT_I64_16"] ?? [`${index}`];
      assert.equal(count, String(index));
    }
    assert.match(outlet.text, /event: gap/);
  });

  it("knows when the source had its last contact from the start on", async () => {
    clock = new BlockClock(FIRST);
    const shared = new DrivenSource(channels);
    const ingest = await ingestOf(shared, clock);
    closed.push(() => ingest.close());
    const { source } = await joined(ingest, now, clock.clockMs);
    assert.equal(source.status().lastContactClockMs, Infinity);
    const { status } = shared;
    shared.status = () => ({ ...status(), lastContactClockMs: 5000 });
    const later = await joined(ingest, now, () => clock.clockMs() - 1000);
    assert.equal(later.source.status().lastContactClockMs, 4000);
  });

  it("lets reads fail where a history cannot be opened", async () => {
    clock = new BlockClock(FIRST);
    const shared = new DrivenSource(channels);
    shared.openHistory = () => {
      throw new Error("no such log");
    };
    const ingest = await ingestOf(shared, clock);
    closed.push(() => ingest.close());
    const { source } = await joined(ingest, now, clock.clockMs);
    const topic = shared.blocks.topics[0]!;
    const history = source.openHistory([{ topic, fromMs: 0 }]);
    await assert.rejects(history.read([topic]), /no such log/);
    history.close();
  });

  it("does not wait for a reading thread that does not answer, once it is closed", async () => {
    for (const hasJoined of [false, true]) {
      const port: Port<ServingMessage, ReadingMessage> = {
        send: () => {},
        onMessage: null,
      };
      const source = new LogSource({ port, catalog: new Catalog(), now });
      const joining = source.join();
      if (hasJoined) {
        const ring = new SharedRingWriter(64 * 1024);
        port.onMessage!({
          kind: "joined",
          memory: ring.memory(),
          place: { position: 0, topics: [] },
          status: new DrivenSource(channels).status(),
        });
      }
      await source.close();
      await assert.rejects(joining, /closed before it joined/);
    }
  });
});
