import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import { ChannelAdmission } from "../../src/channels/channel_admission.ts";
import type { TopicReader } from "../../src/kafka/topic_reading.ts";
import type { BlockSink, HistoryReader } from "../../src/source/source.ts";
import { CHANGE_MIN_MS } from "../../src/topics/mapped_channels.ts";
import { MappedTopics } from "../../src/topics/mapped_topics.ts";
import type { TopicMapping } from "../../src/topics/topic_mapping.ts";
import { silent } from "../driven_source.ts";
import { mapping, wideMessage } from "./wide.ts";

const NS = 1_000_000_000n;
const FLOATS = "arrakis-weather-float64";
const INTS = "arrakis-weather-int32";

/** A log of one topic that tests read out themselves. */
class World {
  nowMs = 0;
  position = -1;
  isMissing = false;
  /** Beginnings of readings, GPS ms. */
  readonly begun: number[] = [];
  readonly heard: string[] = [];
  readonly logged: string[] = [];
  readonly catalog = new Catalog();
  readonly topics: MappedTopics;
  #reader: TopicReader | null = null;

  constructor(changes: Partial<TopicMapping> = {}) {
    const warn = (event: string) => void this.logged.push(event);
    const log = { ...silent, warn };
    this.topics = new MappedTopics({
      mappings: [mapping(changes)],
      admission: new ChannelAdmission({ catalog: this.catalog, log }),
      log,
      clockMs: () => this.nowMs,
      pool: {
        subscribe: (_topic, from, reader) => {
          assert.equal(this.#reader, null);
          this.#reader = reader;
          this.begun.push((from as { blockMs: number }).blockMs);
        },
        unsubscribe: () => void (this.#reader = null),
        positionOf: () => this.position,
        isMissing: () => this.isMissing,
      },
    });
  }

  get reader(): TopicReader {
    return this.#reader!;
  }

  get sink(): BlockSink {
    const hear = (...words: unknown[]) => void this.heard.push(words.join(" "));
    return {
      onMessage: (topic, _value, offset) => hear(topic, offset),
      onCaughtUp: (topic) => hear(topic, "end"),
      onDisturbed: (topic) => hear(topic, "disturbed"),
      onHole: (topic, from, to) => hear(topic, "hole", from, to),
      onRestart: (topic, offset) => hear(topic, "restart", offset),
      onLost: () => {},
    };
  }

  take(): string[] {
    return this.heard.splice(0);
  }

  record(offset: number, value: Uint8Array | null): void {
    this.reader.onRecord({
      offset,
      timestampMs: 0,
      key: null,
      value: value && Buffer.from(value),
    });
    this.position = offset + 1;
  }

  types(): Record<string, string> {
    const all = [...this.catalog.channels()];
    return Object.fromEntries(all.map((c) => [c.name, c.dataType]));
  }
}

const floats = (second: number) =>
  wideMessage({
    times: [BigInt(second) * NS],
    columns: [{ name: "a", dataType: "float64", samples: new Float64Array(1) }],
  });
const ints = (second: number) =>
  wideMessage({
    times: [BigInt(second) * NS],
    columns: [{ name: "a", dataType: "int32", samples: new Int32Array(1) }],
  });
const texts = (second: number) =>
  wideMessage({
    times: [BigInt(second) * NS],
    columns: [{
      name: "a",
      dataType: "int32",
      kind: "fixed-list",
      rowSamples: 3,
      samples: new Int32Array(3),
    }],
  });
const both = (second: number) =>
  wideMessage({
    times: [BigInt(second) * NS],
    columns: [
      { name: "a", dataType: "float64", samples: new Float64Array(1) },
      {
        name: "b",
        dataType: "int32",
        kind: "list",
        rowSamples: 4,
        samples: new Int32Array(4),
      },
    ],
  });

describe("MappedTopics", () => {
  it("learns its channels from the last message, and is ready at the end of the log", async () => {
    const world = new World();
    world.topics.start(world.sink);
    assert.deepEqual(world.begun, [Number.MAX_SAFE_INTEGER]);
    assert.equal(world.topics.isReady, false);
    const ready = world.topics.ready();
    world.record(7, floats(1));
    world.reader.onCaughtUp(0);
    await ready;
    assert.deepEqual(world.types(), { "X:A": "float64" });
    const channel = world.catalog.get("X:A", null)!;
    assert.equal(channel.partitionId, "weather-float64");
    assert.equal(channel.publisher, "weather");
    assert.deepEqual(world.take(), []);
  });

  it("is ready without a topic that does not exist", () => {
    const world = new World();
    world.isMissing = true;
    assert.equal(world.topics.isReady, true);
  });

  it("is read again from the time of a new lease on; the other type skips what it has", () => {
    const world = new World();
    world.topics.start(world.sink);
    world.record(0, both(100));
    world.reader.onCaughtUp(0);
    world.topics.subscribe(FLOATS, 90_000);
    assert.deepEqual(world.begun.slice(1), [90_000]);
    world.record(0, both(100));
    world.record(1, both(101));
    world.reader.onCaughtUp(0);
    assert.deepEqual(world.take(), [
      `${FLOATS} 0`,
      `${FLOATS} 1`,
      `${FLOATS} end`,
    ]);
    world.topics.subscribe(INTS, 99_000);
    world.topics.subscribe(INTS, 99_000);
    world.record(0, both(100));
    world.record(1, both(101));
    world.reader.onHole(2, 4);
    world.record(4, both(102));
    world.reader.onCaughtUp(0);
    assert.deepEqual(world.take(), [
      `${INTS} 0`,
      `${INTS} 1`,
      `${FLOATS} hole 2 4`,
      `${INTS} hole 2 4`,
      `${FLOATS} 4`,
      `${INTS} 4`,
      `${FLOATS} end`,
      `${INTS} end`,
    ]);
    assert.equal(world.topics.counters.topics_messages, 3);
    world.topics.unsubscribe(FLOATS);
    world.record(5, both(103));
    assert.deepEqual(world.take(), [`${INTS} 5`]);
  });

  it("is not read again from after what it has read: nothing is lost in an outage", () => {
    const world = new World();
    world.topics.start(world.sink);
    world.topics.subscribe(FLOATS, 50_000);
    assert.deepEqual(world.begun.slice(1), [50_000]);
    world.record(0, both(100));
    world.reader.onCaughtUp(0);
    // An hour later, after an outage, the log has an hour of messages.
    world.topics.subscribe(INTS, 3_600_000);
    assert.deepEqual(world.begun.slice(2), [100_000]);
    // While it is read again, too.
    world.topics.unsubscribe(FLOATS);
    world.topics.subscribe(FLOATS, 3_600_000);
    assert.deepEqual(world.begun.slice(3), [100_000]);
  });

  it("reports a log that is shorter after it was read again as a new one", () => {
    const world = new World();
    world.topics.start(world.sink);
    world.topics.subscribe(FLOATS, 50_000);
    world.record(9, floats(100));
    world.reader.onCaughtUp(0);
    world.take();
    world.topics.subscribe(INTS, 90_000);
    world.position = 2;
    world.reader.onCaughtUp(0);
    assert.deepEqual(world.take(), [
      `${FLOATS} restart 2`,
      `${INTS} restart 2`,
      `${FLOATS} end`,
      `${INTS} end`,
    ]);
    world.record(2, floats(101));
    assert.deepEqual(world.take(), [`${FLOATS} 2`, `${INTS} 2`]);
  });

  it("passes restarts and disturbances on", () => {
    const world = new World();
    world.topics.start(world.sink);
    world.topics.subscribe(FLOATS, 0);
    world.record(9, floats(100));
    world.reader.onDisturbed!();
    world.reader.onRestart(0);
    world.record(0, floats(100));
    assert.deepEqual(world.take(), [
      `${FLOATS} 9`,
      `${FLOATS} disturbed`,
      `${FLOATS} restart 0`,
      `${FLOATS} 0`,
    ]);
  });

  it("counts bad messages, logs the first one and skips them", () => {
    const world = new World();
    world.topics.start(world.sink);
    world.topics.subscribe(FLOATS, 0);
    world.record(0, null);
    world.record(1, new Uint8Array(100));
    world.record(2, floats(1));
    assert.deepEqual(world.take(), [`${FLOATS} 2`]);
    assert.equal(world.topics.counters.topics_bad_messages, 2);
    assert.deepEqual(world.logged, ["topic-bad-message"]);
  });

  it("counts rows that it skips, and logs the first ones", () => {
    const world = new World();
    world.topics.start(world.sink);
    for (const offset of [0, 1]) {
      world.record(
        offset,
        wideMessage({
          times: [1n, 2n * NS],
          columns: [],
        }),
      );
    }
    assert.equal(world.topics.counters.topics_skipped_rows, 2);
    assert.deepEqual(world.logged, ["topic-rows-skipped"]);
  });
});

describe("channels of a mapped topic", () => {
  it("appear with their columns, and stay without them", () => {
    const world = new World();
    world.topics.start(world.sink);
    world.record(0, floats(1));
    world.record(1, both(2));
    assert.deepEqual(world.types(), { "X:A": "float64", "X:B": "int32" });
    world.record(2, floats(3));
    assert.deepEqual(world.types(), { "X:A": "float64", "X:B": "int32" });
    assert.equal(world.topics.counters.topics_schema_changes, 0);
  });

  it("change their type with the column, and are removed when it has none", () => {
    const world = new World();
    const changes: string[] = [];
    world.catalog.onChange((name, _, before, after) => {
      changes.push(`${name} ${before?.dataType} ${after?.dataType}`);
    });
    world.topics.start(world.sink);
    world.record(0, floats(1));
    world.record(1, ints(2));
    world.nowMs += CHANGE_MIN_MS;
    world.record(2, texts(3));
    world.nowMs += CHANGE_MIN_MS;
    world.record(3, floats(4));
    assert.deepEqual(changes, [
      "X:A undefined float64",
      "X:A float64 int32",
      "X:A int32 undefined",
      "X:A undefined float64",
    ]);
    assert.equal(world.topics.counters.topics_schema_changes, 2);
  });

  it("are listed as refused when their column cannot be one", () => {
    const world = new World();
    world.topics.start(world.sink);
    world.record(0, texts(1));
    assert.deepEqual(world.types(), {});
    assert.equal(world.catalog.refused.counts["type"], 1);
    world.record(1, floats(2));
    assert.deepEqual(world.types(), { "X:A": "float64" });
  });

  it("change at most once in 10 s when producers disagree", () => {
    const world = new World();
    let changes = 0;
    world.catalog.onChange(() => changes++);
    world.topics.start(world.sink);
    for (let offset = 0; offset < 1000; offset++) {
      world.nowMs = 100 * offset;
      world.record(offset, offset % 2 ? ints(offset) : floats(offset));
    }
    assert.ok(changes <= 1 + 100_000 / CHANGE_MIN_MS, `${changes}`);
    assert.ok(world.topics.counters.topics_schemas_too_soon > 400);
  });
});

describe("history of a mapped topic", () => {
  /** All messages at once, then none. */
  function played(values: readonly Uint8Array[]): HistoryReader {
    let isRead = false;
    return {
      read: ([topic]) => {
        const messages = isRead
          ? []
          : values.map((value) => ({ value, timestampMs: 10_000 }));
        isRead = true;
        return Promise.resolve([
          { topic: topic!, messages, isAtEnd: true, isCut: false },
        ]);
      },
      close: () => {},
    };
  }

  it("has the blocks of its messages, as if each was sent when it ended", async () => {
    const world = new World();
    const three = wideMessage({
      times: [1n * NS, 2n * NS, 3n * NS],
      columns: [
        { name: "a", dataType: "float64", samples: new Float64Array(3) },
      ],
    });
    const reader = world.topics.openHistory(
      { topic: FLOATS, fromMs: 0 },
      ({ topic }, blockTime) => {
        assert.equal(topic, "weather");
        assert.equal(blockTime(three), 1000);
        assert.equal(blockTime(new Uint8Array(8)), null);
        return played([three, new Uint8Array(8), floats(4)]);
      },
    );
    const [answer] = await reader.read([FLOATS]);
    assert.equal(answer!.topic, FLOATS);
    assert.equal(answer!.isAtEnd, true);
    assert.deepEqual(answer!.messages.map((m) => m.timestampMs), [
      8000,
      9000,
      10_000,
      10_000,
    ]);
  });

  it("hands out a bounded part with each read", async () => {
    const channels = [
      { column: "a", name: "X:A", sampleRate: 65_536, rowSamples: 65_536 },
    ];
    const world = new World({ channels });
    const value = wideMessage({
      times: Array.from({ length: 4 }, (_, i) => BigInt(i) * NS),
      columns: [{
        name: "a",
        dataType: "float64",
        kind: "list",
        rowSamples: 65_536,
        samples: new Float64Array(4 * 65_536),
      }],
    });
    const reader = world.topics.openHistory(
      { topic: FLOATS, fromMs: 0 },
      () => played(Array.from({ length: 5 }, () => value)),
    );
    const counts: [number, boolean][] = [];
    do {
      const [{ messages, isAtEnd }] = await reader.read([FLOATS]) as [
        Awaited<ReturnType<typeof reader.read>>[0],
      ];
      counts.push([messages.length, isAtEnd]);
    } while (!counts.at(-1)![1]);
    assert.deepEqual(counts, [[8, false], [8, false], [4, true]]);
  });

  it("hands out a large message in several reads, and none of its blocks twice", async () => {
    const channels = [
      { column: "a", name: "X:A", sampleRate: 65_536, rowSamples: 65_536 },
    ];
    const world = new World({ channels });
    const bad = new Uint8Array(8);
    const value = wideMessage({
      times: Array.from({ length: 20 }, (_, i) => BigInt(i) * NS),
      columns: [{
        name: "a",
        dataType: "float64",
        kind: "list",
        rowSamples: 0,
        samples: new Float64Array(0),
      }],
    });
    const reader = world.topics.openHistory(
      { topic: FLOATS, fromMs: 0 },
      () => played([bad, value, bad]),
    );
    const counts: [number, boolean][] = [];
    const produced: number[] = [];
    do {
      const [answer] = await reader.read([FLOATS]);
      const { messages, isAtEnd } = answer!;
      counts.push([messages.length, isAtEnd]);
      for (const { timestampMs } of messages) produced.push(timestampMs);
    } while (!counts.at(-1)![1]);
    assert.deepEqual(counts, [[8, false], [8, false], [4, true]]);
    produced.forEach((ms, i) => assert.equal(ms - produced[0]!, 1000 * i));
  });
});
