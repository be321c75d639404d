// How the pool handles answers. The test makes the calls that a broker's loop makes, without a network.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import { validAtClockMs } from "../../src/kafka/broker_loop.ts";
import { FetchPool } from "../../src/kafka/fetch_pool.ts";
import type { LogAccess, OffsetAsked } from "../../src/kafka/kafka_protocol.ts";
import { Outages } from "../../src/kafka/outages.ts";
import type { FetchedTopic, Gap } from "../../src/kafka/topic_parts.ts";
import type { TopicReading } from "../../src/kafka/topic_reading.ts";
import { silent } from "../driven_source.ts";
import { flushed, newWork } from "./batches.ts";
import { PlayedKafka } from "./played_kafka.ts";

const NODE = 5;

class Trial {
  readonly heard: unknown[][] = [];
  readonly warned: string[] = [];
  readonly said: unknown[][] = [];
  readonly kafka = new PlayedKafka();
  readonly pool = new FetchPool({
    protocol: this.kafka,
    brokers: ["127.0.0.1:1"],
    work: newWork(),
    log: {
      ...silent,
      info: (event, fields) => this.said.push([event, fields?.["address"]]),
      warn: (event, fields) => {
        this.warned.push(event);
        this.said.push([event, fields?.["address"]]);
      },
      error: (event) => this.warned.push(event),
    },
    onTopics: () => {},
  });
  /** Throws at this offset. */
  badOffset = -1;

  subscribe(isCompacted = false): void {
    this.pool.subscribe("t", 1000, {
      onRecord: ({ offset }) => {
        this.heard.push(["record", offset]);
        if (offset === this.badOffset) throw new Error("a reader's fault");
      },
      onCaughtUp: (atMs) => this.heard.push(["caught-up", atMs]),
      onHole: (from, to) => this.heard.push(["hole", from, to]),
      onRestart: (offset) => this.heard.push(["restart", offset]),
    }, isCompacted);
  }

  /** The metadata of the cluster has the topic with this id, or (null) lacks it. */
  says(topicId: string | null, isStale = false, partitionCount = 1): void {
    const topics = topicId === null
      ? []
      : [{ topic: "t", topicId, errorCode: 0, leader: NODE, partitionCount }];
    this.pool.take({ brokers: [], topics }, isStale);
  }

  get reading(): TopicReading {
    const due = this.pool.due(NODE);
    assert.equal(due.length, 1, "the topic is not due");
    return due[0]!;
  }

  async placed(begin: number, end: number): Promise<TopicReading> {
    const { reading } = this;
    await this.pool.positions.find(
      lookup((at) => at === "latest" ? end : begin),
      [reading],
    );
    return reading;
  }

  deliver(
    reading: TopicReading,
    offsets: number[],
    more: Partial<FetchedTopic> = {},
  ): boolean {
    const fetched: FetchedTopic = {
      topic: "t",
      errorCode: 0,
      highWatermark: 100,
      lastStableOffset: more.highWatermark ?? 100,
      records: offsets.map((offset) => ({
        offset,
        timestampMs: 2000 + offset,
        key: null,
        value: null,
      })),
      gaps: [],
      nextOffset: offsets.length ? offsets.at(-1)! + 1 : -1,
      isLast: true,
      ...more,
    };
    return this.pool.deliver(reading, fetched, 77);
  }
}

function lookup(answer: (at: OffsetAsked) => number): LogAccess {
  return {
    fetch: () => Promise.reject(new Error("Nothing is read here")),
    listOffsets: (asked) =>
      Promise.resolve(
        new Map(
          asked.map(({ topic, at }) => [topic, {
            errorCode: 0,
            offset: answer(at),
          }]),
        ),
      ),
  };
}

const gap = (from: number, to: number, damage: string | null = null): Gap => ({
  from,
  to,
  damage,
});

describe("PositionFinder.find()", () => {
  it("does not skip messages that are written between its two requests", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const { reading } = trial;
    let end = 10;
    const racing = lookup((at) => at === "latest" ? end++ : -1);
    await trial.pool.positions.find({
      ...racing,
      listOffsets: async (asked) => {
        const answer = await racing.listOffsets(asked);
        end++; // a message is written behind each question
        return answer;
      },
    }, [reading]);
    assert.equal(reading.position, 10);
  });
});

describe("FetchPool.deliver()", () => {
  it("reports records and holes in the order of their offsets, and then that it caught up", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(0, 6);
    trial.deliver(reading, [1, 3], {
      gaps: [gap(0, 1), gap(2, 3, "bad"), gap(4, 6)],
      nextOffset: 6,
      highWatermark: 6,
    });
    assert.deepEqual(trial.heard, [
      ["hole", 0, 1],
      ["record", 1],
      ["hole", 2, 3],
      ["record", 3],
      ["hole", 4, 6],
      ["caught-up", 77],
    ]);
    assert.equal(trial.pool.counters.holes, 4);
    assert.equal(trial.pool.counters.damaged_batches, 1);
    assert.deepEqual(trial.warned, ["batch-undecodable"]);
  });

  it("reports no holes of a compacted topic, but damage", async () => {
    const trial = new Trial();
    trial.subscribe(true);
    trial.says("a");
    const reading = await trial.placed(0, 9);
    const gaps = [gap(0, 4), gap(5, 9, "bad")];
    trial.deliver(reading, [4], { gaps, nextOffset: 9, highWatermark: 9 });
    assert.deepEqual(trial.heard, [
      ["record", 4],
      ["hole", 5, 9],
      ["caught-up", 77],
    ]);
    assert.equal(reading.position, 9);
  });

  it("counts a reader that throws, logs it once, and does not hand the record out again", async () => {
    const trial = new Trial();
    trial.badOffset = 1;
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(0, 3);
    trial.deliver(reading, [0, 1, 2], { highWatermark: 3 });
    assert.deepEqual(trial.heard.map(([, at]) => at), [0, 1, 2, 77]);
    assert.equal(reading.position, 3);
    assert.equal(trial.pool.counters.refused_records, 1);
    assert.deepEqual(trial.warned, ["record-refused"]);
  });

  it("requests more bytes when a batch is too large for the answer", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(0, 100);
    const MIB = 1024 * 1024;
    for (const mib of [16, 32, 64, 64]) {
      trial.deliver(reading, []);
      assert.equal(reading.maxBytes, mib * MIB);
    }
    trial.deliver(reading, [0]);
    assert.equal(reading.maxBytes, 8 * MIB);
  });

  it("fetches a topic with an error only after new metadata", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(0, 3);
    trial.deliver(reading, [], { errorCode: 6 }); // not the leader
    assert.equal(trial.pool.due(NODE).length, 0);
    reading.retryAtClockMs = 0;
    trial.says("a", true); // an answer that was under way before the error
    assert.equal(trial.pool.due(NODE).length, 0);
    trial.says("a");
    assert.equal(trial.reading, reading);
    assert.deepEqual(trial.warned, ["topic-error"]);
  });
});

describe("TopicReading.take()", () => {
  it("ignores records below its position (the same answer handed out twice was served twice)", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(0, 9);
    trial.deliver(reading, [0, 1, 2]);
    trial.deliver(reading, [0, 1, 2]);
    trial.deliver(reading, [1, 2, 3, 3], { gaps: [gap(0, 1), gap(2, 5)] });
    assert.deepEqual(trial.heard, [
      ["record", 0],
      ["record", 1],
      ["record", 2],
      ["record", 3],
      ["hole", 3, 5],
    ]);
    assert.equal(trial.pool.counters.repeated_records, 6);
    assert.equal(trial.pool.counters.records, 4);
  });

  it("has caught up at the last stable offset, and only with the last part", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(0, 9);
    const end = { highWatermark: 9, lastStableOffset: 2 };
    trial.deliver(reading, [0], { ...end, isLast: false });
    assert.equal(reading.position, 1);
    assert.equal(reading.state, "behind");
    trial.deliver(reading, [1], end);
    assert.deepEqual(trial.heard.at(-1), ["caught-up", 77]);
    const [status] = trial.pool.topics();
    assert.equal(status!.position, 2);
    assert.equal(status!.highWatermark, 9);
    assert.equal(status!.lastStableOffset, 2);
    // Behind it an open transaction is not a batch that was too large to come.
    trial.deliver(reading, [], end);
    assert.equal(reading.maxBytes, 8 * 1024 * 1024);
  });
});

describe("a topic with more partitions", () => {
  it("is logged once, counted, and shown in the status", () => {
    const trial = new Trial();
    const says = (partitionCount: number) =>
      trial.pool.take({
        brokers: [],
        topics: ["arrakis-H1", "other"].map((topic) => ({
          topic,
          topicId: topic,
          errorCode: 0,
          leader: NODE,
          partitionCount,
        })),
      });
    says(1);
    assert.equal(trial.pool.wideTopics, 0);
    says(3);
    says(3);
    assert.equal(trial.pool.wideTopics, 1);
    assert.deepEqual(trial.warned, ["topic-has-more-partitions"]);
    says(1);
    assert.equal(trial.pool.wideTopics, 0);
    trial.subscribe();
    trial.says("a", false, 4);
    assert.equal(trial.pool.topics()[0]!.partitions, 4);
  });
});

describe("a leader that cannot be reached", () => {
  const broker = { nodeId: NODE, host: "10.0.0.1", port: 9092 };
  const address = "10.0.0.1:9092";
  const refused = new Error("refused");
  const topics = [
    { topic: "t", topicId: "a", errorCode: 0, leader: NODE, partitionCount: 1 },
  ];

  it("is logged once, while the cluster answers at another address (63 lines in 25 s)", () => {
    const log: unknown[][] = [];
    const outages = new Outages({
      ...silent,
      info: (event, fields) => log.push([event, fields?.["address"]]),
      warn: (event, fields) => log.push([event, fields?.["address"]]),
    });
    const leaders = new Set([NODE]);
    for (let i = 0; i < 100; i++) {
      outages.answered("bootstrap:9092");
      outages.leaderFailed({ nodeId: NODE, address }, refused);
      outages.answered(address); // a metadata request, not a fetch
      assert.equal(outages.isReachable(leaders), false);
      assert.deepEqual(outages.lostLeaders(leaders), [address]);
    }
    outages.answered(address, NODE);
    assert.equal(outages.isReachable(leaders), true);
    assert.deepEqual(log, [
      ["kafka-reached", "bootstrap:9092"],
      ["kafka-lost", address],
      ["kafka-reached", address],
    ]);
  });

  it("does not count when it leads no subscribed topic", () => {
    const outages = new Outages(silent);
    outages.answered("bootstrap:9092");
    outages.leaderFailed({ nodeId: NODE, address }, refused);
    assert.equal(outages.isReachable(new Set([NODE, 6])), true);
    assert.equal(outages.isReachable(new Set()), true);
    outages.keep(new Set([6]));
    assert.deepEqual(outages.lostLeaders(new Set([NODE])), []);
  });

  it("is unreachable, as is the cluster, when all addresses are, until one answers", () => {
    const outages = new Outages(silent);
    assert.equal(outages.isReachable(new Set()), false);
    outages.answered("a:1");
    outages.failed("a:1", refused, false);
    assert.equal(outages.isReachable(new Set()), true);
    outages.failed("b:1", refused, true);
    assert.equal(outages.isReachable(new Set()), false);
    outages.answered("b:1");
    assert.equal(outages.isReachable(new Set()), true);
  });

  it("makes the pool unreachable, which names its address", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.pool.take({ brokers: [broker], topics });
    // The played cluster has no broker here: the loop's first request fails.
    const moved = { nodeId: NODE, host: "127.0.0.1", port: 1 };
    trial.pool.take({ brokers: [moved], topics });
    while (trial.pool.unreachableLeaders.length === 0) await flushed();
    assert.deepEqual(trial.pool.unreachableLeaders, ["127.0.0.1:1"]);
    assert.equal(trial.pool.reachable, false);
    await trial.pool.close();
    assert.deepEqual(trial.said, [["kafka-lost", "127.0.0.1:1"]]);
  });
});

describe("a topic that was deleted and made again", () => {
  it("is read from its start, however many messages it has (sent 12, got 3, no gap reported)", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const old = await trial.placed(0, 9);
    trial.deliver(old, [0, 1, 2]);
    trial.says(null);
    assert.equal(trial.pool.topics()[0]!.state, "missing");
    trial.says("b");
    // What the old topic's request still brings finds no listener.
    trial.deliver(old, [3, 4]);
    const reading = await trial.placed(0, 12);
    trial.deliver(reading, [0, 1]);
    trial.says("a"); // a broker that lags behind
    trial.says("b");
    assert.equal(trial.reading, reading);
    assert.deepEqual(trial.heard, [
      ["record", 0],
      ["record", 1],
      ["record", 2],
      ["restart", 0],
      ["record", 0],
      ["record", 1],
    ]);
    assert.equal(trial.pool.counters.restarts, 1);
  });

  it("is not assumed when a broker does not report ids", async () => {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(0, 9);
    trial.says("");
    assert.equal(trial.reading, reading);
  });
});

describe("PositionFinder.findAgain()", () => {
  const OUT_OF_RANGE = { errorCode: 1 };

  async function outOfRange(begin: number, end: number): Promise<Trial> {
    const trial = new Trial();
    trial.subscribe();
    trial.says("a");
    const reading = await trial.placed(3, 9);
    trial.deliver(reading, [3, 4]);
    trial.heard.length = 0;
    assert.equal(trial.deliver(reading, [], OUT_OF_RANGE), true);
    const ends = lookup((at) => at === "earliest" ? begin : end);
    await trial.pool.positions.findAgain(ends, reading);
    reading.retryAtClockMs = 0;
    return trial;
  }

  it("reports a hole where retention deleted messages that were not read yet", async () => {
    const trial = await outOfRange(8, 9);
    assert.deepEqual(trial.heard, [["hole", 5, 8]]);
    assert.equal(trial.reading.position, 8);
    assert.equal(trial.pool.counters.holes, 3);
  });

  it("starts over at the last timestamp that was read where the log of the same topic was cut", async () => {
    const trial = await outOfRange(0, 4);
    assert.equal(trial.pool.due(NODE).length, 0);
    trial.says("a");
    const asked: OffsetAsked[] = [];
    await trial.pool.positions.find(
      lookup((at) => (asked.push(at), 3)),
      [trial.reading],
    );
    assert.deepEqual(asked, ["latest", 2004]);
    assert.deepEqual(trial.heard, [["restart", 3]]);
  });

  it("waits before it asks again where the answer is contradictory", async () => {
    const trial = await outOfRange(0, 9);
    assert.deepEqual(trial.heard, []);
    assert.equal(trial.pool.due(NODE).length, 0);
    trial.says("a");
    assert.equal(trial.reading.position, 5);
  });
});

describe("validAtClockMs()", () => {
  const answer = (byteLength: number, errorCode = 0) => [{
    errorCode,
    batches: Buffer.alloc(byteLength),
  }];

  it("does not depend on when an answer is read (a frozen process called rows late)", () => {
    assert.equal(validAtClockMs(answer(0), 1000, 51_000), 1250);
    assert.equal(validAtClockMs(answer(9), 1000, 51_000), 1000);
    assert.equal(validAtClockMs(answer(0, 3), 1000, 51_000), 1000);
  });

  it("is never later than the reading", () => {
    assert.equal(validAtClockMs(answer(0), 1000, 1010), 1010);
  });
});
