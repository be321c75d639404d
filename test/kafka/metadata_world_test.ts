// Random metadata, right, wrong and hostile, through the real follower, catalog and hub, with clients that come
// and go: whatever publishers write, the catalog keeps its rules and everything is released.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { newSamples } from "../../src/arrow/arrow_types.ts";
import {
  type Channel,
  isSameChannel,
  samplesIn,
  topicOf,
} from "../../src/channels/channel.ts";
import { channelFault } from "../../src/channels/channel_fault.ts";
import { textFault } from "../../src/channels/channel_text.ts";
import { REFUSED_LISTED_MAX } from "../../src/channels/refused_channels.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import {
  METADATA_PREFIX,
  parseChannel,
} from "../../src/kafka/channel_record.ts";
import { MetadataFollower } from "../../src/kafka/metadata.ts";
import type { TopicReader } from "../../src/kafka/topic_reading.ts";
import { fits, TREND_BINS } from "../../src/trends/trend_bins.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { Random } from "../random.ts";

const encoder = new TextEncoder();
const FIRST = 23_671_510_000;
const PUBLISHERS = ["P", "Q", "R"];
const NAMES = ["A", "B", "C", "D", "é", "A B", "A.min", 'say "x"', "$(id)"];
const ODD_NAMES = [
  "",
  "A\nB",
  "\u001b[2J",
  "A,B",
  " A",
  "\u202eA",
  "\ufeffA",
  "\ud800",
  "..",
  "N".repeat(300),
];
const PARTITIONS = ["p", "q", "a-b"];
const ODD: Record<string, readonly unknown[]> = {
  name: ["other", 5, null],
  data_type: ["float16", 7, null, "__proto__", "int64"],
  sample_rate: [0, -1, 1e300, 1e9, 4e8, 16.5, "16", null, 1e-9],
  publisher: ["", "A,B", "\u001b]0;x\u0007", 5, "x".repeat(300)],
  partition_id: ["metadata-P", "a b", "", "p".repeat(300), 1, "replay-r-p"],
  partition_index: [-1, 0.5, 65_535, 65_536, 1e300, "0"],
  stride: [0, 1, -1, 1e6, 999_999, 1e300, 6e10, 6e10 + 1, 0.5, null],
  max_latency: [-1, 0, 3.6e12, 3.6e12 + 1, 1e300, "1"],
  replay_id: ["r", "a", "a b", "", 5, "metadata"],
};
const GARBAGE = ["", "{", "null", "[]", "5", '"x"', "{}", "[".repeat(5000)];

interface Written {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** One record: in 4 of 10 right, in 3 one field from right, else hostile or a tombstone. */
function recordOf(random: Random): Written {
  const name = random.of(NAMES);
  const record: Record<string, unknown> = {
    name,
    data_type: random.of(["float32", "float32", "float32", "int64"]),
    sample_rate: random.of([16, 32, 256]),
    time: null,
    publisher: random.of(PUBLISHERS),
    partition_id: random.of(PARTITIONS),
    partition_index: random.below(4),
    stride: random.of([62_500_000, 62_500_000, 1_000_000_000]),
    max_latency: random.of([1_000_000_000, 1_000_000_000, 2_000_000_000]),
    replay_id: random.of([null, null, null, "b-c", "a"]),
  };
  const kind = random.below(10);
  if (kind >= 8) {
    return { key: random.of([...NAMES, ...ODD_NAMES]), value: null };
  }
  if (kind === 7) {
    const key = random.of([...NAMES, ...ODD_NAMES]);
    if (random.once(2)) {
      return { key, value: encoder.encode(random.of(GARBAGE)) };
    }
    const value = encoder.encode(JSON.stringify({ ...record, name: key }));
    return { key, value };
  }
  if (kind >= 4) {
    const field = random.of(Object.keys(ODD));
    record[field] = random.of(ODD[field]!);
    if (random.once(10)) delete record[field];
  }
  return { key: name, value: encoder.encode(JSON.stringify(record)) };
}

class World {
  readonly source = new DrivenSource([]);
  readonly clock = new BlockClock(FIRST);
  readonly qanat: Qanat;
  readonly #readers = new Map<string, TopicReader>();
  /** What each publisher's metadata holds, good records only, and when it was written. */
  readonly held = new Map<string, { channel: Channel; atMs: number }>();
  readonly clients: GroupClient[] = [];
  readonly random: Random;
  #offset = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.qanat = new Qanat({
      config: configWith({ retentionMb: 1, slabMb: 64, lingerMs: 0 }),
      source: this.source,
      log: silent,
      clocks: this.clock,
    });
    const pool = {
      subscribe: (topic: string, _: unknown, reader: TopicReader) =>
        this.#readers.set(topic, reader),
    };
    new MetadataFollower(pool, this.source.catalog, silent)
      .onTopics(PUBLISHERS.map((p) => METADATA_PREFIX + p));
  }

  write(): void {
    const publisher = this.random.of(PUBLISHERS);
    const reader = this.#readers.get(METADATA_PREFIX + publisher)!;
    if (this.random.once(200)) {
      reader.onRestart(0);
      for (const key of [...this.held.keys()]) {
        if (JSON.parse(key)[0] === publisher) this.held.delete(key);
      }
      return;
    }
    const { key, value } = recordOf(this.random);
    // Mostly in order; clocks of other hosts are not.
    const atMs = 1000 + this.#offset - this.random.below(5);
    reader.onRecord({
      offset: this.#offset++,
      timestampMs: atMs,
      key: encoder.encode(key),
      value,
    });
    const place = JSON.stringify([publisher, key]);
    if (value === null || value.byteLength === 0) this.held.delete(place);
    else {
      const channel = parseChannel(key, value);
      if (!("reason" in channel)) this.held.set(place, { channel, atMs });
    }
  }

  /** What the catalog has, of all contexts. */
  all(): Channel[] {
    const { catalog } = this.source;
    return [null, ...catalog.replayIds(Infinity)].flatMap((replayId) =>
      catalog.find({ replayId })
    );
  }

  /** Some clients open, some leave, some blocks come, some of them odd. */
  serve(): void {
    const { random, qanat, source, clock } = this;
    const live = source.catalog.find({});
    const bin = random.of(TREND_BINS);
    const chosen = live.filter(() => random.once(2));
    const trend = random.once(4) && chosen.every((c) => fits(bin, c.strideNs))
      ? bin
      : undefined;
    if (chosen.length > 0) {
      const format = random.of(["events", "events-arrow", "arrow"] as const);
      const admission = qanat.hub.admission.admit(chosen, { format, trend }, {
        address: "10.0.0.1",
        slow: trend ? "gap" : random.of(["gap", "latest", "close"]),
      });
      assert.notEqual(admission.kind, "changed");
      if (admission.kind === "ready") {
        if (random.once(5)) admission.cancel();
        else this.clients.push(admission.open(new HeldOutlet()));
      }
    }
    if (this.clients.length > 10) {
      const [client] = this.clients.splice(random.below(10), 1);
      if (random.once(2)) qanat.hub.lifecycle.leave(client!);
      else qanat.hub.lifecycle.drop(client!, "slow");
    }
    clock.index += random.below(20);
    for (const topic of source.wanted) {
      const value = this.#blockOf(topic, live);
      if (value) source.sink!.onMessage(topic, value, 0, 0);
      source.sink!.onCaughtUp(topic, clock.nowMs());
    }
    qanat.store.tick();
    qanat.trends.tick();
    qanat.hub.tick();
  }

  #blockOf(topic: string, live: readonly Channel[]): Uint8Array | null {
    const { random } = this;
    const members = live.filter((c) => topicOf(c) === topic);
    const [first] = members;
    if (!first || random.once(10)) {
      return random.once(2) ? null : new Uint8Array(9);
    }
    const nowNs = BigInt(this.clock.index) * 62_500_000n;
    const ids = members.map((c) => c.partitionIndex);
    if (random.once(10)) ids[0] = random.below(70_000);
    return encodeBlock(
      nowNs / first.strideNs * first.strideNs - first.strideNs,
      first.dataType,
      ids,
      members.map((c) => newSamples(c.dataType, samplesIn(c, c.strideNs))),
    );
  }

  /** The rules of the catalog. */
  assertRules(): void {
    const shapes = new Map<string, string>();
    const indexes = new Set<string>();
    for (const channel of this.all()) {
      assert.equal(channelFault(channel), null);
      assert.equal(textFault(channel.name), null);
      const topic = topicOf(channel);
      assert.ok(!topic.startsWith(METADATA_PREFIX));
      const { dataType, strideNs, maxLatencyNs, partitionId } = channel;
      const shape = [dataType, strideNs, maxLatencyNs, partitionId].join(" ");
      assert.equal(shapes.get(topic) ?? shape, shape, "one shape a topic");
      shapes.set(topic, shape);
      const index = `${topic} ${channel.partitionIndex}`;
      assert.ok(!indexes.has(index), "an index each");
      indexes.add(index);
    }
    const listed = this.source.catalog.refused.list();
    assert.ok(listed.length <= REFUSED_LISTED_MAX);
    for (const { publisher, name, detail } of listed) {
      assert.ok(!/[\p{Cc}\p{Cf}]/u.test(publisher + name + detail));
    }
  }

  /** Nothing is left out, and nothing kept, without a reason. */
  assertReasons(): void {
    const { catalog } = this.source;
    const all = this.all();
    const held = [...this.held.values()];
    const isHeld = (channel: Channel) =>
      held.some((h) => isSameChannel(h.channel, channel));
    for (const { channel, atMs } of held) {
      const { name, replayId, partitionIndex } = channel;
      const entry = catalog.get(name, replayId);
      if (entry && isSameChannel(entry, channel)) continue;
      // Of two publishers the newer record counts.
      const isOther = entry &&
        held.some((h) => h.atMs >= atMs && isSameChannel(h.channel, entry));
      if (isOther) continue;
      const others = all.filter((c) =>
        topicOf(c) === topicOf(channel) && c !== entry && isHeld(c)
      );
      const isInTheWay = others.some((c) =>
        c.partitionIndex === partitionIndex ||
        c.dataType !== channel.dataType || c.strideNs !== channel.strideNs ||
        c.maxLatencyNs !== channel.maxLatencyNs ||
        c.partitionId !== channel.partitionId
      );
      assert.ok(isInTheWay, `${name} is left out without a reason`);
    }
    // A channel that is replaced by a waiting one may stay; a removed channel may not.
    for (const channel of all) {
      const isClaimed = held.some((h) =>
        h.channel.name === channel.name &&
        h.channel.replayId === channel.replayId
      );
      assert.ok(isClaimed, `${channel.name} is kept without a claim`);
    }
  }
}

async function run(
  seed: number,
  records: number,
): Promise<Record<string, number>> {
  const world = new World(seed);
  const { qanat, source } = world;
  await qanat.start();
  for (let i = 0; i < records; i++) {
    world.write();
    world.assertRules();
    world.assertReasons();
    if (i % 5 === 0) world.serve();
  }
  const counts = { ...source.catalog.refused.counts };
  qanat.drain();
  assert.equal(qanat.hub.groups.size, 0);
  assert.equal(qanat.slab.reservedBytes, 0);
  assert.equal(qanat.hub.admission.shares.size, 0);
  world.clock.index += 100;
  qanat.store.tick();
  qanat.trends.tick();
  qanat.store.tick();
  assert.deepEqual([...source.wanted], [], "a topic is still leased");
  // Throws if a lease or a slot was not released.
  await qanat.close();
  return counts;
}

describe("random metadata", () => {
  it("breaks no rule of the catalog and leaves nothing behind", async () => {
    const seen: Record<string, number> = {};
    for (let seed = 1; seed <= 12; seed++) {
      for (const [reason, count] of Object.entries(await run(seed, 500))) {
        seen[reason] = (seen[reason] ?? 0) + count;
      }
    }
    // A generator that never comes to a reason tests nothing of it.
    for (const [reason, count] of Object.entries(seen)) {
      if (reason !== "too-many") assert.ok(count > 0, `${reason} never came`);
    }
  });
});
