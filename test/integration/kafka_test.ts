// The Kafka source against a real broker: compressions, late topics, deletion, a broker that dies, large messages.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "@std/testing/bdd";
import { type Admin, Kafka, logLevel } from "kafkajs";
import {
  fetchKafka,
  type KafkaBroker,
  startKafka,
} from "../../scripts/kafka.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { KafkaSource } from "../../src/source/kafka_source.ts";
import { silent } from "../driven_source.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, PARTS, sleep } from "./chain.ts";

const runnable = canRun([PARTS.kafka]);

interface Heard {
  offsets: number[];
  values: string[];
  sizes: number[];
  caughtUp: number;
  holes: [number, number][];
  restarts: number[];
}

async function until(
  what: string,
  holds: () => boolean,
  withinMs = 20_000,
): Promise<number> {
  const beganMs = performance.now();
  while (!holds()) {
    if (performance.now() - beganMs > withinMs) {
      throw new Error(`Not within ${withinMs} ms: ${what}`);
    }
    await sleep(10);
  }
  return performance.now() - beganMs;
}

describe(
  "KafkaSource on a real broker",
  { ignore: !runnable, skip: !runnable },
  () => {
    let broker: KafkaBroker;
    let dir: string;
    let kafka: Kafka;
    let admin: Admin;
    let source: KafkaSource;
    const heard = new Map<string, Heard>();

    function hear(topic: string): Heard {
      let one = heard.get(topic);
      if (!one) {
        one = {
          offsets: [],
          values: [],
          sizes: [],
          caughtUp: 0,
          holes: [],
          restarts: [],
        };
        heard.set(topic, one);
      }
      return one;
    }

    async function send(
      topic: string,
      values: (string | Buffer)[],
    ): Promise<void> {
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({
        topic,
        messages: values.map((value) => ({ value })),
      });
      await producer.disconnect();
    }

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
          broker.address,
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

    const create = (topic: string, compact = false) =>
      admin.createTopics({
        waitForLeaders: true,
        topics: [{
          topic,
          numPartitions: 1,
          configEntries: compact
            ? [{ name: "cleanup.policy", value: "compact" }]
            : [],
        }],
      });

    before(async () => {
      dir = await Deno.makeTempDir({ prefix: "qanat-kafka-test-" });
      broker = await startKafka({ port: freePort(), dir });
      kafka = new Kafka({
        brokers: [broker.address],
        logLevel: logLevel.NOTHING,
        retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 60 },
      });
      admin = kafka.admin();
      await admin.connect();
      source = new KafkaSource({
        brokers: [broker.address],
        clientId: "qanat-test",
        catalog: new Catalog(),
        log: silent,
        readyGraceMs: 5000,
      });
      await source.start({
        onMessage: (topic, value, offset) => {
          const one = hear(topic);
          one.offsets.push(offset);
          one.sizes.push(value.byteLength);
          one.values.push(new TextDecoder().decode(value.subarray(0, 64)));
        },
        onCaughtUp: (topic) => hear(topic).caughtUp++,
        onHole: (topic, from, to) => hear(topic).holes.push([from, to]),
        onRestart: (topic, offset) => hear(topic).restarts.push(offset),
      });
    });

    after(async () => {
      await admin?.disconnect();
      await source?.close();
      await broker?.stop();
      if (dir) await Deno.remove(dir, { recursive: true });
    });

    it("reads all five compressions, in order, each once", async () => {
      await create("arrakis-codecs");
      const expected: string[] = [];
      for (const name of ["none", "gzip", "snappy", "lz4", "zstd"]) {
        const values = Array.from({ length: 20 }, (_, i) => `${name} ${i}`);
        expected.push(...values);
        await javaProducer("arrakis-codecs", name, values);
      }
      const one = hear("arrakis-codecs");
      source.want("arrakis-codecs", 0);
      await until("100 messages", () => one.values.length >= 100);
      assert.deepEqual(one.values, expected);
      assert.deepEqual(one.holes, []);
    });

    it("the first message of a newly wanted topic does not wait for a rebalance", async () => {
      await create("arrakis-first");
      await send("arrakis-first", ["a"]);
      const one = hear("arrakis-first");
      source.want("arrakis-first", 0);
      const ms = await until("first message", () => one.values.length > 0);
      // A group's rebalance delay is 3 s by default; one long poll here is 250 ms.
      assert.ok(ms < 2500, `${ms} ms`);
    });

    it("begins at the asked time and follows a topic made later", async () => {
      const one = hear("arrakis-later");
      source.want("arrakis-later", Date.now() - 1000);
      await sleep(300);
      await create("arrakis-later");
      await send("arrakis-later", ["a", "b"]);
      await until("both", () => one.values.length === 2);
      assert.deepEqual(one.offsets, [0, 1]);
    });

    it("reads a message of 10 MB beside small ones", async () => {
      await create("arrakis-large");
      const large = Buffer.alloc(10 * 1024 * 1024, 7);
      await send("arrakis-large", ["before"]);
      await send("arrakis-large", [large]);
      await send("arrakis-large", ["behind"]);
      const one = hear("arrakis-large");
      source.want("arrakis-large", 0);
      await until("three", () => one.sizes.length === 3);
      assert.deepEqual(one.sizes, [6, large.length, 6]);
    });

    it("follows metadata: new publishers within 10 s, changes, removal; skips what is malformed", async () => {
      const topic = "arrakis-metadata-TESTPUB";
      const record = (name: string, rate: number) => ({
        key: name,
        value: JSON.stringify({
          name,
          data_type: "float32",
          sample_rate: rate,
          time: null,
          publisher: "TESTPUB",
          partition_id: "TESTPUB_1",
          partition_index: 0,
          stride: 62500000,
          max_latency: 1000000000,
          replay_id: null,
        }),
      });
      await create(topic, true);
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({
        topic,
        messages: [
          record("T1:A-B", 16),
          { key: "T1:BAD", value: "{not json" },
          { key: "T1:C-D", value: record("T1:OTHER", 16).value },
          record("T1:E-F", 32),
        ],
      });
      const { catalog } = source;
      await until(
        "new publisher",
        () => catalog.get("T1:E-F", null) !== undefined,
        10_000,
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

    it("goes on after a topic is deleted and made again, others undisturbed", async () => {
      await create("arrakis-again");
      await send("arrakis-again", ["a", "b", "c"]);
      const one = hear("arrakis-again");
      source.want("arrakis-again", 0);
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
      source.want("arrakis-cut", 0);
      await until("rest", () => one.values.length === 4);
      assert.deepEqual(one.offsets, [6, 7, 8, 9]);
    });

    it("resumes within 1 s of the broker's return after kill -9, none lost, none twice", async () => {
      await create("arrakis-kill");
      const one = hear("arrakis-kill");
      source.want("arrakis-kill", 0);
      await send("arrakis-kill", ["a", "b"]);
      await until("two", () => one.values.length === 2);
      await broker.kill9();
      await until("noticed", () => !source.status().reachable);
      await broker.restart();
      const ms = await until("reached", () => source.status().reachable);
      await send("arrakis-kill", ["c"]);
      await until("third", () => one.values.length === 3);
      assert.deepEqual(one.offsets, [0, 1, 2]);
      assert.ok(ms < 1500, `${ms} ms after the broker answered`);
    });
  },
);
