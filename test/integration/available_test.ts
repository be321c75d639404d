// What is available, after Kafka has deleted records: /v1/channels/{name}, ranges that are wholly older, and what clients
// say about them; with one worker, several, and through a relay.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "@std/testing/bdd";
import { Kafka, logLevel } from "kafkajs";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { freePort, launchQanat, PARTS, Process } from "./chain.ts";

const runnable = canRun([PARTS.kafka]);
const STRIDE_NS = 1_000_000_000n;
const BLOCKS = 3600;
const DELETED = 1200;
const NAME = "H1:OLD-COUNT";
const TOPIC = "arrakis-OLD_I64000";
const METADATA = {
  name: NAME,
  data_type: "int64",
  sample_rate: 1,
  time: 0,
  publisher: "OLD",
  partition_id: "OLD_I64000",
  partition_index: 0,
  stride: Number(STRIDE_NS),
  max_latency: 1_000_000_000,
  replay_id: null,
};

/** Fetches a range with the client for Python: prints the class and the field of what it raises. */
const FETCH = `
import sys
import qanat_client
client = qanat_client.Client(sys.argv[1])
try:
    client.fetch([sys.argv[2]], sys.argv[3], duration=2)
except qanat_client.RangeNotAvailableError as error:
    print(error.code, error.available_from_ns)
`;
import { until } from "./until.ts";

describe(
  "what is available, on a real broker",
  { ignore: !runnable, skip: !runnable },
  () => {
    /** The first block of the log as it was, and as it is. */
    const first = nowGpsNs() / STRIDE_NS - BigInt(BLOCKS);
    const oldest = (first + BigInt(DELETED)) * STRIDE_NS;
    let dir: string;
    let broker: KafkaBroker;
    const instances: ReturnType<typeof launchQanat>[] = [];

    before(async () => {
      dir = await Deno.makeTempDir({ prefix: "qanat-available-" });
      broker = await startKafka({ port: freePort(), dir: `${dir}/kafka` });
      await write(broker.address);
      const flags = [`--kafka=${broker.address}`, "--relay-streams-max=64"];
      const one = launchQanat(flags);
      instances.push(one, launchQanat([...flags, "--workers=2"]));
      for (const { qanat } of instances) await qanat.says(/is serving on/);
      const relay = launchQanat([`--upstream=${one.url}`]);
      instances.push(relay);
      await relay.qanat.says(/is serving on/);
    });

    after(async () => {
      for (const { qanat } of instances.reverse()) await qanat.stop();
      await broker?.stop();
      if (dir) await Deno.remove(dir, { recursive: true });
    });

    /** Writes an hour of blocks, and deletes the first third. */
    async function write(address: string): Promise<void> {
      const kafka = new Kafka({
        brokers: [address],
        logLevel: logLevel.NOTHING,
      });
      const admin = kafka.admin();
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await admin.connect();
      await producer.connect();
      await admin.createTopics({
        waitForLeaders: true,
        topics: ["arrakis-metadata-OLD", TOPIC].map((topic) => ({ topic })),
      });
      await producer.send({
        topic: "arrakis-metadata-OLD",
        messages: [{ key: NAME, value: JSON.stringify(METADATA) }],
      });
      const unixMs = Date.now();
      await producer.send({
        topic: TOPIC,
        messages: Array.from({ length: BLOCKS }, (_, i) => ({
          value: blockOf(first + BigInt(i)),
          timestamp: String(unixMs - 1000 * (BLOCKS - i)),
        })),
      });
      // Only so does the admin client learn who leads the topic.
      await admin.fetchTopicOffsets(TOPIC);
      await admin.deleteTopicRecords({
        topic: TOPIC,
        partitions: [{ partition: 0, offset: String(DELETED) }],
      });
      await producer.disconnect();
      await admin.disconnect();
    }

    function blockOf(index: bigint): Buffer {
      const bytes = encodeBlock(index * STRIDE_NS, "int64", [0], [
        BigInt64Array.of(index),
      ]);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }

    const rangeAt = (from: bigint) =>
      `channels=${NAME}&start=${from / STRIDE_NS}&duration=2`;

    /** What an instance says of the channel, once Kafka has answered it: on a busy machine that may take longer than it waits. */
    async function known(url: string) {
      let channel: {
        available_from_ns: string | null;
        trends_from_ns: string | null;
      };
      await until("since when there are data", async () => {
        channel = await (await fetch(`${url}/v1/channels/${NAME}`)).json();
        return channel.available_from_ns !== null;
      });
      return channel!;
    }

    for (
      const [index, name] of ["one worker", "two workers", "a relay"].entries()
    ) {
      it(`is named by ${name}, and a range before it is refused`, async () => {
        const { url } = instances[index]!;
        const channel = await known(url);
        assert.equal(channel.available_from_ns, String(oldest), url);
        assert.deepEqual(channel.trends_from_ns, {
          "1s": null,
          "10s": null,
          "60s": null,
        });
        const before = await fetch(
          `${url}/v1/arrow?${rangeAt(oldest - 2n * STRIDE_NS)}`,
        );
        const problem = await before.json();
        assert.equal(before.status, 404);
        assert.equal(problem.code, "range_not_available");
        assert.equal(problem.available_from_ns, String(oldest));
        for (const from of [oldest - STRIDE_NS, oldest]) {
          const answer = await fetch(`${url}/v1/events?${rangeAt(from)}`);
          assert.equal(answer.status, 200);
          assert.match(await answer.text(), /"reason":"complete"/);
        }
      });
    }

    it("is what tail says when it ends with an error", async () => {
      const tail = new Process("tail", Deno.execPath(), [
        "task",
        "--quiet",
        "tail",
        `--url=${instances[0]!.url}`,
        `--start=${first}`,
        "--duration=2",
        NAME,
      ]);
      assert.notEqual(await tail.ends(), 0);
      assert.match(
        tail.log,
        new RegExp(
          `the oldest data of ${NAME} is of GPS ${oldest / STRIDE_NS}`,
        ),
      );
    });

    it("is what the client for Python raises", {
      ignore: PARTS.python.program === null,
      skip: PARTS.python.program === null,
    }, async () => {
      const { code, stdout, stderr } = await new Deno.Command(
        PARTS.python.program!,
        {
          args: ["-c", FETCH, instances[0]!.url, NAME, String(first)],
          env: {
            PYTHONPATH: new URL("../../clients/python/src", import.meta.url)
              .pathname,
          },
          stdin: "null",
        },
      ).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      assert.equal(code, 0, text(stderr));
      assert.equal(text(stdout).trim(), `range_not_available ${oldest}`);
    });
  },
);
