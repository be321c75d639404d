// A cluster, writers that keep writing through every fault, a Qanat process, and clients that write down all they hear.
// Invariant: what must have been delivered is read off Kafka's own log afterwards, not off what was meant to be written.
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { EventSource } from "eventsource";
import { type Admin, Kafka, logLevel, type Producer } from "kafkajs";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { BlockDecoder, newBlockLayout } from "../../src/arrow/block_decoder.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { KafkaHistory } from "../../src/kafka/kafka_history.ts";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import { KafkajsProtocol } from "../../src/kafka/kafkajs_protocol.ts";
import { silent } from "../driven_source.ts";
import {
  freePort,
  launchQanat,
  type Process,
  sleep,
  streamUrl,
} from "./chain.ts";
import { until } from "./until.ts";

const STRIDE_NS = 62_500_000n;
/** Arrakis's publishers are given some seconds; a broker's orderly stop alone holds acknowledgements for over 2 s. */
const MAX_LATENCY_MS = 4000;
const MAX_LATENCY_NS = BigInt(MAX_LATENCY_MS) * 1_000_000n;
const PUBLISHER = "FLT";
const METADATA = `arrakis-metadata-${PUBLISHER}`;
const RETRY_MS = 50;

/** Channel and topic number k: one sample a block, which is the block's index. */
export const channelName = (k: number) => `H1:FLT-COUNT_${k}`;
const partitionId = (k: number) => `FLT_I64${String(k).padStart(3, "0")}`;
export const topicName = (k: number) => `arrakis-${partitionId(k)}`;

/** Writes every block of one topic, in order, as often as it takes. */
class BlockWriter {
  readonly topic: string;
  /** Unix ms of the last acknowledged write. */
  ackMs = 0;
  /** Blocks that Kafka took later than their max_latency. */
  readonly late = new Set<number>();
  /** Samples next to the index in each sixteenth block, to make it big. */
  padding = 0;
  isOn = true;
  readonly #producer: Producer;
  readonly #pending: number[] = [];
  #next = Number(nowGpsNs() / STRIDE_NS);
  readonly #running: Promise<void>;

  constructor(topic: string, producer: Producer) {
    this.topic = topic;
    this.#producer = producer;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.isOn = false;
    await this.#running;
  }

  /** Forgets what waits: as a publisher does whose topic was deleted. */
  skipPending(): void {
    this.#pending.length = 0;
  }

  async #run(): Promise<void> {
    while (this.isOn) {
      const end = Number(nowGpsNs() / STRIDE_NS);
      for (; this.#next < end; this.#next++) this.#pending.push(this.#next);
      const count = this.#pending.length;
      if (count === 0) {
        await sleep(5);
        continue;
      }
      try {
        await this.#producer.send({
          topic: this.topic,
          acks: -1,
          timeout: 3000,
          messages: this.#pending.slice(0, count).map((index) => ({
            value: this.#value(index),
          })),
        });
        this.ackMs = Date.now();
        const gpsMs = Number(nowGpsNs() / 1_000_000n);
        for (const index of this.#pending.splice(0, count)) {
          const endMs = (index + 1) * Number(STRIDE_NS) / 1e6;
          if (gpsMs - endMs > MAX_LATENCY_MS) this.late.add(index);
        }
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }

  #value(index: number): Buffer {
    const ids = [0];
    const series = [BigInt64Array.of(BigInt(index))];
    if (this.padding > 0 && index % 16 === 0) {
      ids.push(1);
      series.push(new BigInt64Array(this.padding));
    }
    const bytes = encodeBlock(BigInt(index) * STRIDE_NS, "int64", ids, series);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** What one EventSource hears. */
export class EventClient {
  readonly channels: readonly number[];
  readonly rows: { index: number; values: (string | null)[] }[] = [];
  readonly gaps: { from: string; to: string; reason: string }[] = [];
  readonly ends: string[] = [];
  lastRowMs = 0;
  longestSilenceMs = 0;
  readonly #source: EventSource;

  constructor(url: string, channels: readonly number[]) {
    this.channels = channels;
    const names = channels.map(channelName);
    this.#source = new EventSource(streamUrl(url, "events", names));
    this.#source.addEventListener(
      "gap",
      (e) => this.gaps.push(JSON.parse(e.data)),
    );
    this.#source.addEventListener(
      "end",
      (e) => this.ends.push(JSON.parse(e.data).reason),
    );
    this.#source.onmessage = ({ data }) => {
      const nowMs = Date.now();
      if (this.lastRowMs > 0) {
        this.longestSilenceMs = Math.max(
          this.longestSilenceMs,
          nowMs - this.lastRowMs,
        );
      }
      this.lastRowMs = nowMs;
      const row = JSON.parse(data);
      this.rows.push({
        index: Number(BigInt(row.time) / STRIDE_NS),
        values: names.map((name) => row.channels[name]?.[0] ?? null),
      });
    };
  }

  close(): void {
    this.#source.close();
  }
}

export interface FaultWorldOptions {
  /** Topics that are written from the start. */
  readonly topics: number;
  /** @default 1 */
  readonly brokers?: number;
  readonly brokerProps?: Readonly<Record<string, string>>;
  readonly qanatArgs?: readonly string[];
  /** False: the test launches Qanat itself. @default true */
  readonly hasQanat?: boolean;
  /** Through which Qanat sees the (one) broker: its port is advertised to it. */
  readonly proxyPort?: number;
  readonly port?: number;
}

/** The stage of one fault. */
export class FaultWorld {
  readonly brokers: KafkaBroker[] = [];
  readonly writers = new Map<number, BlockWriter>();
  readonly clients: EventClient[] = [];
  qanat!: Process;
  /** What reads Kafka. */
  reader!: Process;
  url = "";
  admin!: Admin;
  /** Where Qanat finds the cluster. */
  kafkaFlag = "";
  /** Where the proxy finds the broker's listener for it. */
  proxiedPort = 0;
  #kafka!: Kafka;
  #producer!: Producer;
  #addresses: string[] = [];
  readonly #closers: (() => Promise<unknown>)[] = [];

  static async start(options: FaultWorldOptions): Promise<FaultWorld> {
    const world = new FaultWorld();
    try {
      await world.#start(options);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #start(options: FaultWorldOptions): Promise<void> {
    const dir = await Deno.makeTempDir({ prefix: "qanat-fault-" });
    this.#closers.push(() => Deno.remove(dir, { recursive: true }));
    await this.#startBrokers(dir, options);
    this.#kafka = new Kafka({
      brokers: this.#addresses,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 4000,
      retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 2 },
    });
    this.admin = this.#kafka.admin();
    await until("the cluster takes an admin", async () => {
      await this.admin.connect().catch(() => {});
      return await this.admin.listTopics().then(() => true, () => false);
    });
    this.#closers.push(() => this.admin.disconnect().catch(() => {}));
    this.#producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    await this.#producer.connect();
    this.#closers.push(() => this.#producer.disconnect().catch(() => {}));
    const replicas = this.brokers.length;
    await this.createTopics([METADATA], replicas);
    for (let k = 0; k < options.topics; k++) await this.addTopic(k);
    if (options.hasQanat !== false) await this.launch(options.qanatArgs);
  }

  async #startBrokers(dir: string, options: FaultWorldOptions): Promise<void> {
    const count = options.brokers ?? 1;
    const ports = Array.from(
      { length: count },
      () => options.port ?? freePort(),
    );
    const controllers = ports.map(() => freePort());
    this.proxiedPort = options.proxyPort === undefined ? 0 : freePort();
    const proxied = options.proxyPort === undefined ? ["", ""] : [
      `,PROXIED://127.0.0.1:${this.proxiedPort}`,
      `,PROXIED://127.0.0.1:${options.proxyPort}`,
    ];
    const started = await Promise.all(ports.map((port, i) =>
      startKafka({
        port,
        dir: `${dir}/kafka-${i}`,
        props: {
          "node.id": String(i + 1),
          "controller.quorum.voters": controllers.map((c, n) =>
            `${n + 1}@127.0.0.1:${c}`
          ).join(","),
          "listeners": `PLAINTEXT://127.0.0.1:${port}${
            proxied[0]
          },CONTROLLER://127.0.0.1:${controllers[i]}`,
          "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}${proxied[1]}`,
          "listener.security.protocol.map":
            "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
          "inter.broker.listener.name": "PLAINTEXT",
          "default.replication.factor": String(count),
          "broker.session.timeout.ms": "6000",
          ...options.brokerProps,
        },
      })
    ));
    for (const broker of started) {
      this.brokers.push(broker);
      this.#closers.push(() => broker.stop());
    }
    this.#addresses = started.map((b) => b.address);
    this.kafkaFlag = options.proxyPort === undefined
      ? this.#addresses.join(",")
      : `127.0.0.1:${options.proxyPort}`;
  }

  async createTopics(
    topics: readonly string[],
    replicas = this.brokers.length,
    configEntries: { name: string; value: string }[] = [],
  ): Promise<void> {
    await until("topics are made", () =>
      this.admin.createTopics({
        waitForLeaders: true,
        topics: topics.map((topic) => ({
          topic,
          numPartitions: 1,
          replicationFactor: replicas,
          configEntries: [
            ...replicas > 1
              ? [{ name: "min.insync.replicas", value: "2" }]
              : [],
            ...configEntries,
          ],
        })),
      }).then(() => true, () => false));
  }

  /** Creates a topic, announces its channel, and writes into it from now on. */
  async addTopic(
    k: number,
    configEntries: { name: string; value: string }[] = [],
  ): Promise<BlockWriter> {
    await this.createTopics([topicName(k)], this.brokers.length, configEntries);
    await this.#producer.send({
      topic: METADATA,
      messages: [{
        key: channelName(k),
        value: JSON.stringify({
          name: channelName(k),
          data_type: "int64",
          sample_rate: 16,
          time: 0,
          publisher: PUBLISHER,
          partition_id: partitionId(k),
          partition_index: 0,
          stride: Number(STRIDE_NS),
          max_latency: Number(MAX_LATENCY_NS),
          replay_id: null,
        }),
      }],
    });
    const writer = new BlockWriter(topicName(k), this.#producer);
    this.writers.set(k, writer);
    return writer;
  }

  async launch(args: readonly string[] = []): Promise<void> {
    const { qanat, url, reader } = launchQanat([
      `--kafka=${this.kafkaFlag}`,
      "--ready-grace-ms=1000",
      ...args,
    ]);
    this.qanat = qanat;
    this.reader = reader;
    this.url = url;
    this.#closers.push(() => qanat.stop());
    await qanat.answers(`${url}/healthz`);
  }

  async ready(): Promise<boolean> {
    const response = await fetch(`${this.url}/readyz`);
    await response.body?.cancel();
    return response.status === 200;
  }

  /** Whether every channel of the writers is known. */
  async knows(...channels: number[]): Promise<boolean> {
    for (const k of channels) {
      const response = await fetch(
        `${this.url}/v1/channels/${encodeURIComponent(channelName(k))}`,
      );
      await response.body?.cancel();
      if (response.status !== 200) return false;
    }
    return true;
  }

  async attach(...channels: number[]): Promise<EventClient> {
    await until("the channels are known", () => this.knows(...channels));
    const client = new EventClient(this.url, channels);
    this.clients.push(client);
    await until(
      `rows of ${channels}`,
      () => client.rows.filter((r) => !r.values.includes(null)).length >= 8,
    );
    return client;
  }

  /** Block indexes that Kafka has of a topic now. */
  async logOf(k: number): Promise<Set<number>> {
    const topic = topicName(k);
    const metadata = await this.admin.fetchTopicMetadata({ topics: [topic] });
    const leader =
      metadata.topics[0]!.partitions.find((p) => p.partitionId === 0)!.leader;
    const cluster = await this.admin.describeCluster();
    const broker = cluster.brokers.find((b) => b.nodeId === leader)!;
    const work = new KafkaWork();
    const past = new KafkaHistory({
      protocol: new KafkajsProtocol({ clientId: "qanat-test", work }),
      work,
      leaders: {
        leaderOf: () => broker,
        isMissing: () => false,
        refresh: () => {},
        log: silent,
      },
      blockTime: () => null,
    }, [{ topic, fromMs: 0 }]);
    const decoder = new BlockDecoder();
    const layout = newBlockLayout();
    const indexes = new Set<number>();
    for (;;) {
      const [answer] = await past.read([topic]);
      for (const { value } of answer!.messages) {
        assert.equal(decoder.decode(value, layout), null);
        indexes.add(Number(layout.timeNs / STRIDE_NS));
      }
      if (answer!.isAtEnd) break;
    }
    past.close();
    return indexes;
  }

  /** Stops the writers and waits until the clients have heard of the last block. */
  async settle(): Promise<void> {
    for (const writer of this.writers.values()) await writer.close();
    await sleep(1500);
  }

  /**
   * Fails where a client had a row twice or out of order, or another value than was written. The blocks of its
   * channels that Kafka has and that it did not get, between its first and last row. `mayBeLate`: without those
   * that Kafka itself took later than their max_latency.
   */
  async lostBy(client: EventClient, mayBeLate = false): Promise<number> {
    let lost = 0;
    const seen = new Map(client.rows.map((row) => [row.index, row.values]));
    assert.equal(seen.size, client.rows.length, "a row came twice");
    for (let i = 1; i < client.rows.length; i++) {
      assert.ok(
        client.rows[i]!.index > client.rows[i - 1]!.index,
        "rows out of order",
      );
    }
    const first = client.rows[0]!.index;
    const last = client.rows.at(-1)!.index;
    for (const [i, k] of client.channels.entries()) {
      for (const index of await this.logOf(k)) {
        if (index < first || index > last) continue;
        const value = seen.get(index)?.[i] ?? null;
        const isLate = mayBeLate && this.writers.get(k)!.late.has(index);
        if (value === null) lost += isLate ? 0 : 1;
        else assert.equal(value, String(index));
      }
    }
    return lost;
  }

  /** Closes what was started; the last one first. */
  async close(): Promise<void> {
    for (const client of this.clients) client.close();
    for (const writer of this.writers.values()) writer.isOn = false;
    for (
      let last = this.#closers.pop();
      last !== undefined;
      last = this.#closers.pop()
    ) await last();
  }
}
