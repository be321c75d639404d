// 20,000 random Kafka records, metadata and data, through a real broker into a whole Qanat with clients. It keeps
// answering, a steady publisher among them loses no row, and at SIGTERM everything that was taken comes back.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "@std/testing/bdd";
import { CompressionTypes, Kafka, logLevel, type Producer } from "kafkajs";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { SLICE_COST } from "../../src/kafka/loop_slices.ts";
import {
  FUZZ_PARTITIONS,
  PUBLISHERS,
  randomRecord,
} from "../fuzz/kafka_records.ts";
import { fuzzSeed, Random } from "../fuzz/random.ts";
import { freePort, launchQanat, PARTS, type Process, sleep } from "./chain.ts";

const runnable = canRun([PARTS.kafka]);
const COUNT = 20_000;
const BATCH = 100;
const STEADY = "STEADY:COUNT";
const STEADY_STRIDE_NS = 62_500_000n;
const STEADY_TOPIC = "arrakis-STEADY_0";
/** Events of the log that mean a fault of ours. */
const FAULTS =
  /"event":"(crashed|request-failed|record-refused|stop-failed|stop-overdue|past-failed)"/;

/** Streams that come back whenever they end, and the statuses that they got. */
class Crowd {
  readonly statuses = new Map<number, number>();
  readonly #abort = new AbortController();
  readonly #running: Promise<void>[] = [];

  add(url: string): void {
    this.#running.push(this.#run(url));
  }

  async #run(url: string): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const response = await fetch(url, { signal });
        const { status } = response;
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
        for await (const _ of response.body ?? []);
        // One that was refused asks again a little later, as clients do.
        if (!response.ok) await sleep(50);
      } catch {
        await sleep(50);
      }
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#running);
  }
}

/** Publishes one channel that counts, a block each stride, and reads it back from Qanat. */
class SteadyChannel {
  readonly #producer: Producer;
  readonly #abort = new AbortController();
  #isPublishing = true;
  #publishing: Promise<void> = Promise.resolve();
  #reading: Promise<void> = Promise.resolve();
  /** Every value that came, in order. */
  readonly values: number[] = [];
  gaps = "";
  published = 0;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  async announce(): Promise<void> {
    const record = {
      name: STEADY,
      data_type: "int32",
      sample_rate: 16,
      time: null,
      publisher: "STEADY",
      partition_id: "STEADY_0",
      partition_index: 0,
      stride: Number(STEADY_STRIDE_NS),
      // Only a loss counts here, never a busy machine.
      max_latency: 60_000_000_000,
      replay_id: null,
    };
    await this.#producer.send({
      topic: "arrakis-metadata-STEADY",
      messages: [{ key: STEADY, value: JSON.stringify(record) }],
    });
  }

  start(base: string): void {
    this.#reading = this.#read(base);
    this.#publishing = this.#publish();
  }

  async #publish(): Promise<void> {
    let index = nowGpsNs() / STEADY_STRIDE_NS;
    while (this.#isPublishing) {
      for (const end = nowGpsNs() / STEADY_STRIDE_NS; index < end; index++) {
        const samples = Int32Array.of(this.published++);
        const value = Buffer.from(
          encodeBlock(index * STEADY_STRIDE_NS, "int32", [0], [samples]),
        );
        await this.#producer.send({
          topic: STEADY_TOPIC,
          messages: [{ value }],
        });
      }
      await sleep(30);
    }
  }

  async #read(base: string): Promise<void> {
    const url = `${base}/v1/events?channels=${STEADY}`;
    const response = await fetch(url, { signal: this.#abort.signal });
    let rest = "";
    try {
      for await (
        const text of response.body!.pipeThrough(
          new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
        )
      ) {
        const events = (rest + text).split("\n\n");
        rest = events.pop()!;
        for (const event of events) {
          if (/^event: (gap|end)/m.test(event)) this.gaps += event + "\n";
          const found = event.match(/"STEADY:COUNT":\[(-?\d+)\]/);
          if (found) this.values.push(Number(found[1]));
        }
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  /** Ends publishing, waits until the last value has come, and ends reading. */
  async finish(isServing: () => boolean): Promise<void> {
    this.#isPublishing = false;
    await this.#publishing;
    while (isServing() && this.values.at(-1) !== this.published - 1) {
      await sleep(20);
    }
    this.#abort.abort();
    await this.#reading;
  }
}

describe(
  "Qanat under random Kafka records",
  { ignore: !runnable, skip: !runnable },
  () => {
    let directory: string;
    let broker: KafkaBroker;
    let kafka: Kafka;
    let producer: Producer;
    let qanat: Process;
    let base: string;

    before(async () => {
      directory = await Deno.makeTempDir({ prefix: "qanat-kafka-fuzz-" });
      broker = await startKafka({
        port: freePort(),
        dir: `${directory}/kafka`,
      });
      kafka = new Kafka({
        brokers: [broker.address],
        logLevel: logLevel.NOTHING,
      });
      const admin = kafka.admin();
      await admin.connect();
      const compacted = [{ name: "cleanup.policy", value: "compact" }];
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          ...[...PUBLISHERS, "STEADY"].map((publisher) => ({
            topic: `arrakis-metadata-${publisher}`,
            configEntries: compacted,
          })),
          ...FUZZ_PARTITIONS.map(({ id }) => ({ topic: `arrakis-${id}` })),
          { topic: STEADY_TOPIC },
        ],
      });
      await admin.disconnect();
      producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
    });

    after(async () => {
      await qanat?.stop();
      await producer?.disconnect();
      await broker?.stop();
      await Deno.remove(directory, { recursive: true });
    });

    it("answers all the while, loses no row of a steady channel, and releases everything", async () => {
      const steady = new SteadyChannel(producer);
      await steady.announce();
      const launched = launchQanat([
        `--kafka=${broker.address}`,
        "--retention-mb=64",
      ]);
      ({ qanat } = launched);
      base = launched.url;
      await qanat.answers(`${base}/readyz`);
      await qanat.answers(`${base}/v1/channels/${STEADY}`);
      steady.start(base);
      const crowd = new Crowd();
      for (
        const path of [
          "/v1/events?match=FUZZ:.*",
          "/v1/events?match=FUZZ:FUZZ_0.*&gaps=skip",
          "/v1/events?match=FUZZ:FUZZ_[12].*&slow=trend",
          "/v1/events?match=.*&trend=1s",
          "/v1/events?match=FUZZ:.*&encoding=arrow&duration=2",
          "/v1/arrow?match=.*",
          "/v1/arrow?match=FUZZ:FUZZ_3.*&duration=1",
          "/v1/arrow?match=.*&replay=r1&duration=1",
          "/v1/channels",
          "/v1/status",
          "/metrics",
        ]
      ) crowd.add(base + path);

      const seed = fuzzSeed();
      const random = new Random(seed);
      let nearValid = 0;
      for (let sent = 0; sent < COUNT; sent += BATCH) {
        const nowNs = nowGpsNs();
        const byTopic = new Map<
          string,
          { key: string | null; value: Buffer | null }[]
        >();
        for (let i = 0; i < BATCH; i++) {
          const record = randomRecord(random, nowNs);
          if (record.mutations < 2) nearValid++;
          const messages = byTopic.get(record.topic) ?? [];
          byTopic.set(record.topic, messages);
          const { key, value } = record;
          messages.push({ key, value: value && Buffer.from(value) });
        }
        await producer.sendBatch({
          compression: random.pick([
            CompressionTypes.None,
            CompressionTypes.GZIP,
          ]),
          topicMessages: [...byTopic].map(([topic, messages]) => ({
            topic,
            // A compacted topic takes no record without a key.
            messages: topic.includes("metadata")
              ? messages.map(({ key, value }) => ({ key: key ?? "", value }))
              : messages,
          })),
        });
        const health = await fetch(`${base}/healthz`);
        assert.equal(health.status, 200, `seed ${seed}`);
        await health.body?.cancel();
      }
      assert.ok(nearValid / COUNT >= 0.3);

      await steady.finish(() => qanat.isRunning);
      const metrics = await (await fetch(`${base}/metrics`)).text();
      const [, peakSeconds] =
        metrics.match(/^qanat_kafka_slice_peak_seconds (\S+)$/m) ?? [];
      const peakCost = Math.round(1e9 * Number(peakSeconds));
      assert.ok(peakCost > 0, "no slice was counted");
      // Counted, not timed. A slice ends with the part that exceeds it.
      assert.ok(peakCost <= 2 * SLICE_COST, `${peakCost}`);
      await crowd.close();
      assert.ok(crowd.statuses.has(200));
      for (const status of crowd.statuses.keys()) {
        assert.ok(status < 500 || status === 503, `${status}, seed ${seed}`);
      }
      assert.equal(steady.gaps, "", `seed ${seed}`);
      const [first] = steady.values;
      assert.deepEqual(
        steady.values,
        Array.from({ length: steady.published - first! }, (_, i) => first! + i),
      );
      // The stop throws where a slot, a lease or a group has not come back.
      const { code } = await qanat.stop(8000);
      assert.equal(code, 0, `seed ${seed}: ${qanat.log}`);
      assert.doesNotMatch(qanat.log, FAULTS, `seed ${seed}`);
    });
  },
);
