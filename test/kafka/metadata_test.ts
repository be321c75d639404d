import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import { parseChannel } from "../../src/kafka/channel_record.ts";
import { MetadataFollower } from "../../src/kafka/metadata.ts";
import type { TopicReader } from "../../src/kafka/topic_reading.ts";
import { silent } from "../driven_source.ts";
import { fixtureMessages } from "../arrow/fixtures.ts";

const encode = (value: unknown) =>
  new TextEncoder().encode(
    typeof value === "string" ? value : JSON.stringify(value),
  );

const GOOD = {
  name: "H1:A-B",
  data_type: "float32",
  sample_rate: 16,
  time: null,
  publisher: "H1",
  partition_id: "H1_A_1",
  partition_index: 0,
  stride: 62500000,
  max_latency: 1000000000,
  replay_id: null,
};

describe("parseChannel()", () => {
  it("reads every record that the real publishers wrote", () => {
    let count = 0;
    for (const { topic, key, value } of fixtureMessages()) {
      if (
        !topic.includes("metadata") || key!.startsWith("__") || !value?.length
      ) continue;
      const channel = parseChannel(key!, value);
      assert.ok(!("reason" in channel), key!);
      assert.equal(channel.name, key);
      count++;
    }
    assert.equal(count, 10);
  });

  it("refuses malformed records with a reason", () => {
    const cases: [unknown, RegExp][] = [
      ["{", /not JSON/],
      [null, /not an object/],
      [{ ...GOOD, name: "X" }, /not the record's key/],
      [{ ...GOOD, data_type: "float16" }, /data_type/],
      [{ ...GOOD, sample_rate: 0 }, /sample_rate/],
      [{ ...GOOD, sample_rate: "16" }, /sample_rate/],
      [{ ...GOOD, partition_id: "a b" }, /partition_id/],
      [{ ...GOOD, partition_index: -1 }, /partition_index/],
      [{ ...GOOD, partition_index: 1e9 }, /partition_index/],
      [{ ...GOOD, stride: 0 }, /stride/],
      [{ ...GOOD, max_latency: 1.5 }, /max_latency/],
      [{ ...GOOD, replay_id: 3 }, /replay_id/],
      [{ ...GOOD, stride: 1 }, /stride must be from 1000000 ns/],
      [{ ...GOOD, stride: 1e300 }, /stride/],
      [{ ...GOOD, sample_rate: 4e8 }, /takes 100000000 bytes/],
      [{ ...GOOD, partition_id: "metadata-A" }, /must not begin/],
      [{ ...GOOD, publisher: "H1\u001b[2J" }, /publisher.*U\+001B/],
      [{ ...GOOD, extra: "x".repeat(70_000) }, /more than 65536 bytes/],
      ["[".repeat(60_000), /not JSON/],
    ];
    for (const [value, reason] of cases) {
      const fault = parseChannel("H1:A-B", encode(value));
      assert.ok("reason" in fault);
      assert.match(fault.detail, reason);
    }
    const noText = parseChannel("H1:A-B", Uint8Array.of(0xff, 0xfe));
    assert.deepEqual(noText, { reason: "record", detail: "not JSON" });
    const good = parseChannel("H1:A-B", encode(GOOD));
    assert.ok(!("reason" in good));
  });
});

describe("MetadataFollower", () => {
  const NOW_MS = 1_800_000_000_000;

  function follow(...topics: string[]) {
    const readers = new Map<string, TopicReader>();
    const warned: unknown[] = [];
    const catalog = new Catalog();
    const pool = {
      subscribe: (topic: string, _: unknown, reader: TopicReader) =>
        readers.set(topic, reader),
    };
    const log = { ...silent, warn: (event: string) => warned.push(event) };
    const follower = new MetadataFollower(pool, catalog, log, {
      topicsMax: 3,
      nowMs: () => NOW_MS,
    });
    follower.onTopics(topics);
    const put = (
      topic: string,
      key: string,
      value: unknown,
      timestampMs = 0,
    ) =>
      readers.get(topic)!.onRecord({
        offset: 0,
        timestampMs,
        key: encode(key),
        value: value === null ? null : encode(value),
      });
    return { readers, warned, catalog, follower, put };
  }
  const A = "arrakis-metadata-A";
  const B = "arrakis-metadata-B";

  it("takes the real publishers' topics to their end: channels, a tombstone, their own records", () => {
    const messages = fixtureMessages().filter((m) =>
      m.topic.startsWith("arrakis-metadata-")
    );
    const topics = [...new Set(messages.map((m) => m.topic))];
    const { readers, warned, catalog, follower } = follow(...topics);
    const live = new Set<string>();
    for (const { topic, offset, key, value } of messages) {
      readers.get(topic)!.onRecord({
        offset,
        timestampMs: 0,
        key: encode(key!),
        value,
      });
      if (key!.startsWith("__")) continue;
      if (value === null) live.delete(key!);
      else live.add(key!);
    }
    assert.equal(follower.isReady, false);
    for (const topic of topics) readers.get(topic)!.onCaughtUp(1);
    assert.equal(follower.isReady, true);
    assert.deepEqual(warned, []);
    assert.equal(catalog.size, live.size);
  });

  it("counts every malformed record, logs one per publisher and reason, and keeps the channels", () => {
    const { warned, catalog, follower, put } = follow(A);
    put(A, GOOD.name, GOOD);
    put(A, GOOD.name, "{");
    put(A, GOOD.name, { ...GOOD, stride: -1 });
    assert.equal(follower.counters.metadata_bad_records, 2);
    assert.deepEqual(warned, ["channel-refused", "channel-refused"]);
    assert.deepEqual(
      catalog.refused.list().map((r) => [r.publisher, r.reason]),
      [
        ["A", "record"],
        ["A", "stride"],
      ].reverse(),
    );
    assert.equal(catalog.get(GOOD.name, null)?.sampleRate, 16);
  });

  it("does not let a publisher remove a channel that another has taken over", () => {
    const { catalog, put } = follow(A, B);
    put(A, GOOD.name, GOOD);
    put(B, GOOD.name, { ...GOOD, publisher: "L1" });
    put(A, GOOD.name, null);
    assert.equal(catalog.get(GOOD.name, null)?.publisher, "L1");
    put(B, GOOD.name, null);
    assert.equal(catalog.size, 0);
  });

  it("gives no name permanently to a publisher that writes records of the future", () => {
    const { catalog, follower, put, warned } = follow(A, B);
    const publisher = () => catalog.get(GOOD.name, null)?.publisher;
    const other = { ...GOOD, publisher: "L1" };
    put(A, GOOD.name, GOOD, NOW_MS - 5000);
    for (const aheadMs of [3_600_001, 2 ** 52]) {
      put(B, GOOD.name, other, NOW_MS + aheadMs);
      assert.equal(publisher(), GOOD.publisher);
    }
    assert.equal(follower.counters.metadata_future_records, 2);
    // Once for the time, once for the name.
    assert.deepEqual(warned, ["metadata-time-in-future", "channel-refused"]);
    // A clock that is a little ahead is none of the future.
    put(B, GOOD.name, other, NOW_MS + 5000);
    assert.equal(publisher(), "L1");
  });

  it("follows a limited number of topics, and others once some are deleted", () => {
    const { follower, readers, warned } = follow();
    const topics = Array.from({ length: 5 }, (_, i) => `arrakis-metadata-${i}`);
    follower.onTopics(topics);
    assert.deepEqual([...readers.keys()], topics.slice(0, 3));
    assert.equal(follower.counters.metadata_topics_refused, 2);
    assert.deepEqual(warned, ["metadata-topic-refused"]);
    follower.onTopics(topics.slice(1));
    assert.deepEqual([...readers.keys()], topics.slice(0, 4));
    assert.equal(follower.counters.metadata_topics, 4);
    for (const reader of readers.values()) reader.onCaughtUp(1);
    assert.equal(follower.isReady, true);
  });

  it("keeps replay contexts apart", () => {
    const { catalog, put } = follow(A, B);
    put(A, GOOD.name, GOOD);
    put(B, GOOD.name, { ...GOOD, replay_id: "r1", sample_rate: 32 });
    assert.equal(catalog.get(GOOD.name, null)?.sampleRate, 16);
    assert.equal(catalog.get(GOOD.name, "r1")?.sampleRate, 32);
    put(B, GOOD.name, null);
    assert.equal(catalog.get(GOOD.name, "r1"), undefined);
    assert.equal(catalog.get(GOOD.name, null)?.sampleRate, 16);
  });

  it("a key with a byte order mark is another key, and no name", () => {
    const { catalog, readers, put } = follow(A);
    put(A, GOOD.name, GOOD);
    const withMark = (value: Uint8Array | null) =>
      readers.get(A)!.onRecord({
        offset: 0,
        timestampMs: 0,
        key: encode("\ufeff" + GOOD.name),
        value,
      });
    withMark(null);
    assert.equal(catalog.size, 1);
    withMark(encode({ ...GOOD, name: "\ufeff" + GOOD.name }));
    assert.equal(catalog.refused.counts.name, 1);
    assert.equal(catalog.size, 1);
  });

  it("a channel whose partition is named like a metadata topic is not read as data", () => {
    const { catalog, put } = follow(A, B);
    put(A, GOOD.name, { ...GOOD, partition_id: "metadata-B" });
    assert.equal(catalog.size, 0);
    assert.equal(catalog.refused.counts.partition, 1);
  });

  it("a topic that was deleted before it was read does not hold readiness back", () => {
    const { readers, follower } = follow(A, B);
    readers.get(A)!.onCaughtUp(1);
    assert.equal(follower.isReady, false);
    follower.onTopics([A]);
    assert.equal(follower.isReady, true);
  });

  it("forgets a topic's channels when the topic is deleted and made again", () => {
    const { readers, catalog, put } = follow(A);
    put(A, GOOD.name, GOOD);
    readers.get(A)!.onRestart(0);
    assert.equal(catalog.size, 0);
  });
});
