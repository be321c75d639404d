// The Kafka source against a real broker: compressions, late topics, deletion, a broker that dies, large messages.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "@std/testing/bdd";
import { type Admin, CompressionTypes } from "kafkajs";
import { fetchKafka } from "../../scripts/kafka/jars.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import type { KafkaSource } from "../../src/source/kafka_source.ts";
import { PARTS, sleep } from "./chain.ts";
import { FROM_START, KafkaTrial } from "./kafka_trial.ts";
import { until } from "./until.ts";

const runnable = canRun([PARTS.kafka]);

/** Two messages a compression, one of them larger than a block of its format. */
const LIBRDKAFKA_PRODUCER = `
import sys
from confluent_kafka import Producer
for kind in sys.argv[2:]:
    p = Producer({"bootstrap.servers": sys.argv[1], "compression.type": kind, "message.max.bytes": 10000000})
    for size in (10, 300000):
        p.produce("arrakis-librdkafka", (kind + " ").encode() * size)
    p.flush()
`;

describe(
  "KafkaSource on a real broker",
  { ignore: !runnable, skip: !runnable },
  () => {
    let trial: KafkaTrial;
    let source: KafkaSource;
    let admin: Admin;
    const hear = (topic: string) => trial.listener.to(topic);
    const create = (topic: string, isCompacted = false) =>
      trial.create(topic, isCompacted);
    const send = (topic: string, values: readonly (string | Buffer)[]) =>
      trial.send(topic, values);

    before(async () => {
      trial = await KafkaTrial.start();
      ({ source, admin } = trial);
    });

    after(async () => await trial?.close());

    /** Java's own producer: what it compresses is what publishers' brokers hold. */
    async function javaProducer(
      topic: string,
      compression: string,
      lines: readonly string[],
    ): Promise<void> {
      const child = new Deno.Command("java", {
        args: [
          "-cp",
          `${await fetchKafka()}/*`,
          "org.apache.kafka.tools.ConsoleProducer",
          "--bootstrap-server",
          trial.broker.address,
          "--topic",
          topic,
          "--compression-codec",
          compression,
        ],
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(lines.join("\n") + "\n"));
      await writer.close();
      assert.ok((await child.status).success, compression);
    }

    it("reads all five compressions, in order, each once", async () => {
      await create("arrakis-codecs");
      const expected: string[] = [];
      for (const name of ["none", "gzip", "snappy", "lz4", "zstd"]) {
        const values = Array.from({ length: 20 }, (_, i) => `${name} ${i}`);
        expected.push(...values);
        await javaProducer("arrakis-codecs", name, values);
      }
      const one = hear("arrakis-codecs");
      source.subscribe("arrakis-codecs", FROM_START);
      await until("100 messages", () => one.values.length >= 100);
      assert.deepEqual(one.values, expected);
      assert.deepEqual(one.holes, []);
    });

    it("reads what kafkajs compresses", async () => {
      await create("arrakis-kafkajs");
      const producer = trial.kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      const kinds = ["None", "GZIP", "Snappy", "ZSTD"] as const;
      for (const kind of kinds) {
        await producer.send({
          topic: "arrakis-kafkajs",
          compression: CompressionTypes[kind],
          messages: [{ value: `${kind} ${"x".repeat(1000)}` }],
        });
      }
      await producer.disconnect();
      const one = hear("arrakis-kafkajs");
      source.subscribe("arrakis-kafkajs", FROM_START);
      await until("all", () => one.values.length >= kinds.length);
      assert.deepEqual(one.values.map((v) => v.split(" ")[0]), [...kinds]);
    });

    it("reads what librdkafka compresses", {
      ignore: PARTS.python.program === null,
      skip: PARTS.python.program === null,
    }, async () => {
      const kinds = ["none", "gzip", "snappy", "lz4", "zstd"];
      await create("arrakis-librdkafka");
      const { success, stderr } = await new Deno.Command(
        PARTS.python.program!,
        {
          args: ["-c", LIBRDKAFKA_PRODUCER, trial.broker.address, ...kinds],
          stdin: "null",
        },
      ).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const one = hear("arrakis-librdkafka");
      source.subscribe("arrakis-librdkafka", FROM_START);
      await until("all", () => one.sizes.length >= 2 * kinds.length);
      assert.deepEqual(
        one.values.map((v) => v.split(" ")[0]),
        kinds.flatMap((kind) => [kind, kind]),
      );
      assert.deepEqual(one.holes, []);
    });

    it("the first message of a topic that was just requested does not wait for a rebalance", async () => {
      await create("arrakis-first");
      await send("arrakis-first", ["a"]);
      const one = hear("arrakis-first");
      source.subscribe("arrakis-first", FROM_START);
      const ms = await until("first message", () => one.values.length > 0);
      // A group's rebalance delay is 3 s by default; one long poll here is 250 ms.
      assert.ok(ms < 2500, `${ms} ms`);
    });

    it("begins at the asked time and follows a topic made later", async () => {
      const one = hear("arrakis-later");
      source.subscribe("arrakis-later", {
        kind: "produced",
        ms: Date.now() - 1000,
      });
      await sleep(300);
      await create("arrakis-later");
      await send("arrakis-later", ["a", "b"]);
      await until("both", () => one.values.length === 2);
      assert.deepEqual(one.offsets, [0, 1]);
    });

    it("reads a message of 10 MB among small ones", async () => {
      await create("arrakis-large");
      const large = Buffer.alloc(10 * 1024 * 1024, 7);
      await send("arrakis-large", ["before"]);
      await send("arrakis-large", [large]);
      await send("arrakis-large", ["behind"]);
      const one = hear("arrakis-large");
      source.subscribe("arrakis-large", FROM_START);
      await until("three", () => one.sizes.length === 3);
      assert.deepEqual(one.sizes, [6, large.length, 6]);
    });

    it("follows metadata: new publishers within 10 s, changes, removal; skips what is malformed", async () => {
      const topic = "arrakis-metadata-TESTPUB";
      const record = (name: string, rate: number, index = 0) => ({
        key: name,
        value: JSON.stringify({
          name,
          data_type: "float32",
          sample_rate: rate,
          time: null,
          publisher: "TESTPUB",
          partition_id: "TESTPUB_1",
          partition_index: index,
          stride: 62500000,
          max_latency: 1000000000,
          replay_id: null,
        }),
      });
      await create(topic, true);
      const producer = trial.kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({
        topic,
        messages: [
          record("T1:A-B", 16),
          { key: "T1:BAD", value: "{not json" },
          { key: "T1:C-D", value: record("T1:OTHER", 16).value },
          record("T1:E-F", 32, 1),
        ],
      });
      const { catalog } = source;
      await until(
        "new publisher",
        () => catalog.get("T1:E-F", null) !== undefined,
      );
      assert.equal(catalog.get("T1:BAD", null), undefined);
      assert.equal(source.status().counters.metadata_bad_records, 2);
      await producer.send({
        topic,
        messages: [record("T1:A-B", 64), { key: "T1:E-F", value: null }],
      });
      await until(
        "change",
        () => catalog.get("T1:A-B", null)?.sampleRate === 64,
      );
      await until("removal", () => catalog.get("T1:E-F", null) === undefined);
      await producer.disconnect();
    });

    it("continues after a topic is deleted and created again, others undisturbed", async () => {
      await create("arrakis-again");
      await send("arrakis-again", ["a", "b", "c"]);
      const one = hear("arrakis-again");
      source.subscribe("arrakis-again", FROM_START);
      await until("three", () => one.values.length === 3);
      await admin.deleteTopics({ topics: ["arrakis-again"] });
      await send("arrakis-first", ["b"]);
      await until("other", () => hear("arrakis-first").values.length === 2);
      await sleep(1500);
      await create("arrakis-again");
      await send("arrakis-again", ["d"]);
      await until("fourth", () => one.values.length === 4);
      assert.deepEqual(one.values, ["a", "b", "c", "d"]);
      assert.equal(one.restarts.length, 1);
    });

    it("begins behind what retention took away", async () => {
      await create("arrakis-cut");
      await send("arrakis-cut", Array.from({ length: 10 }, (_, i) => `${i}`));
      await admin.fetchTopicMetadata({ topics: ["arrakis-cut"] });
      await admin.deleteTopicRecords({
        topic: "arrakis-cut",
        partitions: [{ partition: 0, offset: "6" }],
      });
      const one = hear("arrakis-cut");
      source.subscribe("arrakis-cut", FROM_START);
      await until("rest", () => one.values.length === 4);
      assert.deepEqual(one.offsets, [6, 7, 8, 9]);
    });

    it("resumes within 1 s of the broker's return after kill -9, none lost, none twice", async () => {
      await create("arrakis-kill");
      const one = hear("arrakis-kill");
      source.subscribe("arrakis-kill", FROM_START);
      await send("arrakis-kill", ["a", "b"]);
      await until("two", () => one.values.length === 2);
      await trial.broker.kill9();
      await until("noticed", () => !source.status().reachable);
      await trial.broker.restart();
      const ms = await until("reached", () => source.status().reachable);
      await send("arrakis-kill", ["c"]);
      await until("third", () => one.values.length === 3);
      assert.deepEqual(one.offsets, [0, 1, 2]);
      assert.ok(ms < 1500, `${ms} ms after the broker answered`);
    });
  },
);
