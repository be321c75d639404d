// Streams of bins under a clock of the test: live, history, missing data, no memory.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import type { Qanat } from "../../src/app.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { Config } from "../../src/config.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { trendBinOf, type TrendName } from "../../src/trends/trend_bins.ts";
import { drivenQanat } from "../driven_qanat.ts";
import type { BlockClock, DrivenSource } from "../driven_source.ts";
import { EVENT_MESSAGES } from "../../src/http/documents/stream_messages.ts";
import { SchemaCheck } from "../http/documents/schema_check.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import type { HeldTurns } from "../held_turns.ts";

/** A multiple of 60 s. */
const FIRST = 23_671_510_080;
const NAME = "H1:QANAT-COUNT_I64_16";
const OTHER = "H1:QANAT-SINE_F64_4096";
const STRIDE_NS = 62_500_000n;
const all = await embeddedChannels();
const channels = all.filter(({ channel }) =>
  [NAME, OTHER].includes(channel.name)
);

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;
let row: number;

async function setUp(changes: Partial<Config> = {}): Promise<void> {
  row = FIRST;
  ({ source, clock, turns, qanat } = await drivenQanat(channels, FIRST, {
    retentionMb: 1,
    lingerMs: 0,
    outageGraceMs: 0,
    ...changes,
  }));
}

function admit(
  trend: TrendName | null = "1s",
  options: Partial<ClientOptions> = {},
  names: readonly string[] = [NAME],
) {
  const bin = trend === null ? undefined : trendBinOf(trend);
  return qanat.hub.admission.admit(
    names.map((name) => source.catalog.get(name, null)!),
    { format: "events", trend: bin },
    { address: "", ...options },
  );
}

function open(
  ...args: Parameters<typeof admit>
): { outlet: HeldOutlet; client: GroupClient } {
  const admission = admit(...args);
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  return { outlet, client: admission.open(outlet) };
}

const topicOf = (name: string) =>
  source.blocks.topics.find((topic) =>
    topic.includes(name === NAME ? "I64" : "F64")
  )!;

/** Publishes one block. */
function hand(index: number, name = NAME, value?: Uint8Array): void {
  const topic = topicOf(name);
  if (!source.wanted.has(topic)) return;
  const block = value ?? source.blocks.blockOf(topic, index);
  source.sink!.onMessage(topic, block, index, 0);
}

function caughtUp(...names: string[]): void {
  for (const name of names) {
    source.sink!.onCaughtUp(topicOf(name), clock.clockMs());
  }
}

/** Publishes `count` blocks of each channel. */
function publish(count: number, names: readonly string[] = [NAME]): void {
  for (let i = 0; i < count; i++) {
    clock.index = row + 1;
    for (const name of names) hand(row, name);
    caughtUp(...names);
    row++;
  }
}

interface Bin {
  time: string;
  channels: Record<
    string,
    {
      min: string | null;
      mean: number | null;
      max: string | null;
      count: number;
    } | null
  >;
  missing?: Record<string, string>;
}

function bins(outlet: HeldOutlet): Bin[] {
  return [...outlet.text.matchAll(/^id: \d+\ndata: (.*)$/gm)].map((m) =>
    JSON.parse(m[1]!)
  );
}

/** First block of each bin, and its count. */
function counts(outlet: HeldOutlet, name = NAME): [number, number | null][] {
  return bins(outlet).map(({ time, channels }) => [
    Number(BigInt(time) / STRIDE_NS),
    channels[name]?.count ?? null,
  ]);
}

function gaps(outlet: HeldOutlet): [number, number, string][] {
  return [...outlet.text.matchAll(/^event: gap\ndata: (.*)$/gm)].map((m) => {
    const { from, to, reason } = JSON.parse(m[1]!);
    return [
      Number(BigInt(from) / STRIDE_NS),
      Number(BigInt(to) / STRIDE_NS),
      reason,
    ];
  });
}

const nsOf = (index: number) => BigInt(index) * STRIDE_NS;

beforeEach(() => setUp());

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

describe("trend=1s", () => {
  it("sends each bin when its last block is settled, made once for all clients", () => {
    const { outlet } = open();
    publish(1);
    const others = Array.from({ length: 5 }, () => open());
    publish(40);
    assert.deepEqual(counts(outlet), [[FIRST, 16], [FIRST + 16, 16]]);
    const [first] = bins(outlet);
    assert.deepEqual(first!.channels[NAME], {
      min: String(FIRST),
      mean: FIRST + 7.5,
      max: String(FIRST + 15),
      count: 16,
    });
    assert.match(outlet.text, new RegExp(`^id: ${nsOf(FIRST + 16)}\n`, "m"));
    for (const other of others) {
      assert.deepEqual(bins(other.outlet), bins(outlet));
    }
    assert.equal(qanat.hub.figures.counters.framesEncoded, 2);
    assert.equal(qanat.hub.figures.counters.framesSent, 12);
  });

  it("shows by its count that a bin had begun before", () => {
    row += 5;
    const { outlet } = open();
    publish(30);
    assert.deepEqual(counts(outlet), [[FIRST, 11], [FIRST + 16, 16]]);
  });

  it("waits for a late block, and leaves out one that never arrives", () => {
    const { outlet } = open();
    publish(16);
    row += 2;
    publish(13);
    hand(FIRST + 16);
    assert.equal(bins(outlet).length, 1);
    publish(18);
    assert.deepEqual(counts(outlet), [
      [FIRST, 16],
      [FIRST + 16, 15],
      [FIRST + 32, 16],
    ]);
  });

  it("ignores NaN, and is null with a count of 0 when all samples are NaN", () => {
    const { outlet } = open("1s", {}, [OTHER]);
    const samples = new Float64Array(256).fill(NaN);
    for (let i = 0; i < 32; i++) {
      if (i === 16) samples[3] = -7;
      clock.index = row + 1;
      const { partitionIndex } = source.catalog.get(OTHER, null)!;
      const value = encodeBlock(nsOf(row), "float64", [partitionIndex], [
        samples,
      ]);
      hand(row++, OTHER, value);
      caughtUp(OTHER);
    }
    assert.deepEqual(bins(outlet).map((bin) => bin.channels[OTHER]), [
      { min: null, mean: null, max: null, count: 0 },
      { min: -7, mean: -7, max: -7, count: 16 },
    ] as unknown[]);
  });

  it("is null with a reason when one of its channels is silent", () => {
    const { outlet } = open("1s", {}, [NAME, OTHER]);
    publish(16, [NAME, OTHER]);
    for (let i = 0; i < 64; i++) {
      clock.index = row + 1;
      hand(row++);
      caughtUp(NAME, OTHER);
    }
    const [whole, ...later] = bins(outlet);
    assert.equal(whole!.channels[OTHER]!.count, 4096);
    assert.ok(later.length >= 2);
    for (const bin of later) {
      assert.equal(bin.channels[OTHER], null);
      assert.deepEqual(bin.missing, { [OTHER]: "missing" });
      assert.equal(bin.channels[NAME]!.count, 16);
    }
  });

  it("reports silence as one gap when it is over, and fills it", () => {
    const { outlet } = open();
    publish(16);
    for (let i = 0; i < 160; i++) {
      clock.index = ++row;
      caughtUp(NAME);
      qanat.hub.tick();
    }
    publish(16);
    turns.run();
    assert.deepEqual(gaps(outlet), [[FIRST + 16, FIRST + 176, "missing"]]);
    const filled = counts(outlet).slice(1, -1);
    assert.equal(filled.length, 10);
    assert.ok(filled.every(([, count]) => count === null));
    assert.deepEqual(counts(outlet).at(-1), [FIRST + 176, 16]);
  });

  it("waits for all channels of a publisher that is back with the last block of a bin", () => {
    const { outlet } = open("1s", {}, [NAME, OTHER]);
    publish(16, [NAME, OTHER]);
    for (let i = 0; i < 79; i++) {
      clock.index = ++row;
      caughtUp(NAME, OTHER);
      qanat.store.tick();
    }
    clock.index = row + 1;
    for (const name of [NAME, OTHER]) {
      hand(row, name);
      turns.run();
    }
    row++;
    publish(16, [NAME, OTHER]);
    turns.run();
    assert.deepEqual(counts(outlet, NAME).slice(-2), [
      [FIRST + 80, 1],
      [FIRST + 96, 16],
    ]);
    assert.deepEqual(counts(outlet, OTHER).slice(-2), [
      [FIRST + 80, 256],
      [FIRST + 96, 4096],
    ]);
  });

  it("begins again when time jumps back", () => {
    const { outlet } = open();
    publish(40);
    hand(FIRST - 1600);
    hand(FIRST - 1599);
    assert.match(outlet.text, /"reason":"time-reset"/);
    row = FIRST - 1598;
    const again = open("1s", { startNs: nsOf(FIRST - 3200) });
    publish(30);
    turns.run();
    assert.deepEqual(gaps(again.outlet), [
      [FIRST - 3200, FIRST - 1600, "not-recorded"],
    ]);
    // The first block after the jump counted as late.
    assert.deepEqual(counts(again.outlet)[0], [FIRST - 1600, 15]);
  });
});

describe("trend=10s", () => {
  it("is complete although the page ring has less than one bin", () => {
    // 1 MiB is 30 s of blocks of 2 KiB; two bins of 60 s are published.
    const { outlet } = open("60s", {}, [OTHER]);
    const ten = open("10s", {}, [OTHER]);
    publish(2 * 960, [OTHER]);
    assert.ok(qanat.ring.reclaimedPages > 0);
    assert.deepEqual(counts(outlet, OTHER), [
      [FIRST, 60 * 4096],
      [FIRST + 960, 60 * 4096],
    ]);
    assert.equal(bins(ten.outlet).length, 12);
  });

  it("waits for the end of its bin when a publisher is late within it", () => {
    const { outlet } = open("10s");
    publish(40);
    for (let i = 0; i < 60; i++) {
      clock.index = ++row;
      caughtUp(NAME);
      qanat.store.tick();
    }
    assert.equal(bins(outlet).length, 0);
    publish(100);
    assert.deepEqual(counts(outlet), [[FIRST, 100]]);
    assert.deepEqual(gaps(outlet), []);
  });

  it("gives up a bin whose publisher stays silent", () => {
    const { outlet } = open("10s");
    publish(40);
    for (let i = 0; i < 200; i++) {
      clock.index = ++row;
      caughtUp(NAME);
      qanat.store.tick();
    }
    assert.deepEqual(counts(outlet), [[FIRST, 40]]);
  });
});

describe("bins of history", () => {
  it("are read from the ring, and the time before the first lease is a gap", () => {
    const first = open();
    publish(100);
    const { outlet } = open("1s", {
      startNs: nsOf(FIRST - 160),
      endNs: nsOf(FIRST + 96),
    });
    turns.run();
    assert.deepEqual(gaps(outlet), [[FIRST - 160, FIRST, "not-recorded"]]);
    assert.deepEqual(bins(outlet), bins(first.outlet));
    assert.equal(outlet.ending, "ended");
    assert.match(outlet.text, /event: end\ndata: \{"reason":"complete"\}/);
  });

  it("continue live without a gap", () => {
    open();
    publish(50);
    const { outlet } = open("1s", { startNs: nsOf(FIRST + 16) });
    turns.run();
    publish(50);
    turns.run();
    assert.deepEqual(
      counts(outlet).map(([block]) => (block - FIRST) / 16),
      [1, 2, 3, 4, 5],
    );
  });

  it("begin with the blocks in the page ring when a channel is first requested", () => {
    open(null);
    publish(64);
    const { outlet } = open("1s", { startNs: nsOf(FIRST) });
    publish(1);
    turns.run();
    assert.deepEqual(counts(outlet).map(([, count]) => count), [
      16,
      16,
      16,
      16,
    ]);
  });

  it("resume after an id, and report an id between two bins as stride-changed", () => {
    open();
    publish(64);
    const same = open("1s", { afterNs: nsOf(FIRST + 32) });
    turns.run();
    assert.deepEqual(counts(same.outlet).map(([block]) => block), [
      FIRST + 32,
      FIRST + 48,
    ]);
    const within = open("1s", { afterNs: nsOf(FIRST + 36) });
    turns.run();
    assert.deepEqual(gaps(within.outlet), [
      [FIRST + 32, FIRST + 36, "stride-changed"],
    ]);
    assert.deepEqual(counts(within.outlet)[0], [FIRST + 32, 16]);
  });

  it("are a gap of reason retention once the ring has dropped them", async () => {
    await qanat.close();
    await setUp({ trendHours: 1 });
    open();
    publish(3700 * 16);
    const { outlet } = open("1s", { startNs: nsOf(FIRST) });
    turns.run();
    const [gap] = gaps(outlet);
    assert.deepEqual(gap, [FIRST, row - 3600 * 16, "retention"]);
    assert.equal(bins(outlet).length, 3600);
  });

  it("name the channels whose recording began later", () => {
    open("1s", {}, [NAME]);
    publish(64);
    const { outlet } = open("1s", { startNs: nsOf(FIRST) }, [NAME, OTHER]);
    publish(32, [NAME, OTHER]);
    turns.run();
    const [first, ...more] = bins(outlet);
    assert.deepEqual(first!.missing, { [OTHER]: "not-recorded" });
    assert.equal(first!.channels[NAME]!.count, 16);
    assert.equal(more.at(-1)!.channels[OTHER]!.count, 4096);
  });
});

describe("slow=trend", () => {
  it("sends the trend of the rows that a client lost, then the gap, then rows", () => {
    const { outlet } = open(null, { slow: "trend" }, [OTHER]);
    publish(2, [OTHER]);
    outlet.isStalled = true;
    publish(1600, [OTHER]);
    outlet.isStalled = false;
    const before = outlet.text.length;
    outlet.finish();
    turns.run();
    const text = outlet.text.slice(before);
    const told = [...text.matchAll(/^event: trend\ndata: (.*)$/gm)].map((m) =>
      JSON.parse(m[1]!) as Bin
    );
    const schemas = new SchemaCheck();
    for (const bin of told) {
      schemas.assert(EVENT_MESSAGES.trend!.payload, bin, "trend");
    }
    const [gap] = gaps(outlet);
    assert.equal(gap![2], "slow");
    assert.equal(
      Number(BigInt(told[0]!.time) / STRIDE_NS),
      Math.floor(gap![0] / 16) * 16,
    );
    assert.equal(
      told.length,
      Math.ceil(gap![1] / 16) - Math.floor(gap![0] / 16),
    );
    assert.ok(
      told.slice(0, -1).every((b) => b.channels[OTHER]!.count === 4096),
    );
    assert.ok(text.indexOf("event: trend") < text.indexOf("event: gap"));
    assert.ok(text.lastIndexOf("event: trend") < text.indexOf("event: gap"));
    assert.match(text, /event: gap\n.*\n\nid: \d+\ndata: /);
  });

  it("sends it event by event, in slots of the slab, as the client can take them (it was one write of up to 24 MiB)", () => {
    const { outlet, client } = open(null, { slow: "trend" }, [OTHER]);
    publish(2, [OTHER]);
    outlet.isStalled = true;
    publish(1600, [OTHER]);
    const writes = outlet.written.length;
    let rounds = 0;
    let slots = 0;
    while (!outlet.text.includes("event: gap") && rounds++ < 100) {
      outlet.finish();
      turns.run();
      assert.ok(outlet.inFlight <= 4, `${outlet.inFlight} in flight`);
      slots = Math.max(slots, qanat.slab.usedSlots);
    }
    const told = outlet.written.slice(writes).map((bytes) =>
      new TextDecoder().decode(bytes)
    ).filter((text) => text.startsWith("event: trend"));
    assert.ok(told.length > 20, `${told.length} events`);
    for (const text of told) assert.equal(text.split("\n\n").length, 2);
    assert.ok(slots >= 4, `${slots} slots`);
    assert.equal(client.lostSpan, null);
    outlet.isStalled = false;
    outlet.finish();
  });

  it("sends all of it to a client that accepts gzip", () => {
    const admission = qanat.hub.admission.admit(
      [source.catalog.get(OTHER, null)!],
      { format: "events", coding: "gzip" },
      { address: "", slow: "trend" },
    );
    assert.ok(admission.kind === "ready");
    const outlet = new HeldOutlet();
    const client = admission.open(outlet);
    publish(2, [OTHER]);
    outlet.isStalled = true;
    publish(1600, [OTHER]);
    outlet.isStalled = false;
    outlet.finish();
    turns.run();
    qanat.hub.lifecycle.end(client, "complete");
    const text = gunzipSync(Buffer.concat(outlet.written)).toString();
    assert.ok(text.split("event: trend\n").length > 20);
    assert.match(text, /event: gap\n[\s\S]*event: end\ndata: .*complete/);
  });
});

describe("memory of trends", () => {
  it("is refused when it is used up, and released after --linger-ms", async () => {
    await qanat.close();
    // One channel of int64 takes 3 × 7,200 bins of 28 bytes.
    await setUp({ trendMb: 1, trendHours: 3 });
    const { client } = open();
    const full = admit("1s", {}, [OTHER]);
    assert.ok(full.kind === "full");
    assert.equal(full.refusal, "trends");
    assert.equal(qanat.hub.admission.refusals.trends, 1);
    const rows = admit(null, { slow: "trend" }, [OTHER]);
    assert.ok(rows.kind === "full");
    assert.equal(qanat.hub.groups.size, 1);
    qanat.hub.lifecycle.end(client, "complete");
    const { client: other } = open("1s", {}, [OTHER]);
    assert.equal(qanat.trends.channelCount, 1);
    qanat.hub.lifecycle.end(other, "complete");
    qanat.trends.tick();
    assert.deepEqual([qanat.trends.channelCount, qanat.trends.usedBytes], [
      0,
      0,
    ]);
  });

  it("is used from the start for channels that --trend-match selects", async () => {
    await qanat.close();
    await setUp({ trendMatch: "H1:QANAT-COUNT" });
    qanat.trends.tick();
    assert.equal(qanat.trends.channelCount, 1);
    assert.ok(source.wanted.has(topicOf(NAME)));
    publish(64);
    qanat.trends.tick();
    const { outlet } = open("1s", { startNs: nsOf(FIRST) });
    turns.run();
    assert.equal(bins(outlet).length, 4);
    const channel = source.catalog.get(NAME, null)!;
    source.publish({ ...channel, sampleRate: 32 });
    assert.match(outlet.text, /"reason":"changed"/);
    assert.equal(qanat.trends.channelCount, 0);
    qanat.trends.tick();
    assert.equal(qanat.trends.channelCount, 1);
    source.takeBack(channel);
    assert.equal(qanat.trends.channelCount, 0);
  });
});
