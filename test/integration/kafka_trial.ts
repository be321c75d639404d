// A real broker, a source that reads from it, and the reports of the source: the setup of the Kafka suites.
// Invariant: close() ends what was started here and removes its directory.
import type { Buffer } from "node:buffer";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import { registerCodecs } from "../../src/kafka/kafkajs_producer.ts";
import { KafkajsProtocol } from "../../src/kafka/kafkajs_protocol.ts";
import type { KafkaSasl } from "../../src/kafka/kafkajs_sasl.ts";
import type { Logger } from "../../src/telemetry/log.ts";
import {
  KafkaSource,
  type KafkaSourceOptions,
} from "../../src/source/kafka_source.ts";
import type { BlockSink, ReadFrom } from "../../src/source/source.ts";
import { silent } from "../driven_source.ts";
import { freePort } from "./chain.ts";

/** For logs of texts, which have no time. */
export const FROM_START: ReadFrom = { kind: "produced", ms: 0 };

const TEXT_BYTES_MAX = 64;

/** The reports about one topic. */
export interface Heard {
  offsets: number[];
  /** The beginnings of the values. */
  values: string[];
  sizes: number[];
  caughtUp: number;
  holes: [number, number][];
  restarts: number[];
}

/** A sink that records all reports. */
export class Listener implements BlockSink {
  readonly #heard = new Map<string, Heard>();

  to(topic: string): Heard {
    let heard = this.#heard.get(topic);
    if (!heard) {
      heard = {
        offsets: [],
        values: [],
        sizes: [],
        caughtUp: 0,
        holes: [],
        restarts: [],
      };
      this.#heard.set(topic, heard);
    }
    return heard;
  }

  onMessage(topic: string, value: Uint8Array, offset: number): void {
    const heard = this.to(topic);
    heard.offsets.push(offset);
    heard.sizes.push(value.byteLength);
    heard.values.push(
      new TextDecoder().decode(value.subarray(0, TEXT_BYTES_MAX)),
    );
  }

  onCaughtUp(topic: string): void {
    this.to(topic).caughtUp++;
  }

  onDisturbed(): void {}

  onLost(): void {}

  onHole(topic: string, from: number, to: number): void {
    this.to(topic).holes.push([from, to]);
  }

  onRestart(topic: string, offset: number): void {
    this.to(topic).restarts.push(offset);
  }
}

/** A source of a broker, not started. */
export function sourceOf(
  address: string,
  { sasl, ...more }: Partial<KafkaSourceOptions> & { sasl?: KafkaSasl } = {},
): KafkaSource {
  const work = new KafkaWork();
  const login = sasl ? { sasl } : {};
  return new KafkaSource({
    protocol: new KafkajsProtocol({ clientId: "qanat-test", work, ...login }),
    work,
    brokers: [address],
    catalog: new Catalog(),
    log: silent,
    readyGraceMs: 5000,
    ...more,
  });
}

/** A log that keeps its warnings and errors. */
export function keepingLog(kept: string[]): Logger {
  const keep = (event: string, fields?: Record<string, unknown>) => {
    kept.push(`${event} ${JSON.stringify(fields ?? {})}`);
  };
  return { ...silent, warn: keep, error: keep };
}

export class KafkaTrial {
  readonly broker: KafkaBroker;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly source: KafkaSource;
  readonly listener = new Listener();
  readonly #dir: string;

  private constructor(broker: KafkaBroker, dir: string) {
    registerCodecs();
    this.broker = broker;
    this.#dir = dir;
    this.kafka = new Kafka({
      brokers: [broker.address],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 60 },
    });
    this.admin = this.kafka.admin();
    this.source = sourceOf(broker.address);
  }

  static async start(
    props: (port: number) => Record<string, string> = () => ({}),
  ): Promise<KafkaTrial> {
    const dir = await Deno.makeTempDir({ prefix: "qanat-kafka-test-" });
    const port = freePort();
    const broker = await startKafka({ port, dir, props: props(port) });
    const trial = new KafkaTrial(broker, dir);
    await trial.admin.connect();
    await trial.source.start(trial.listener);
    return trial;
  }

  async create(topic: string, isCompacted = false): Promise<void> {
    await this.admin.createTopics({
      waitForLeaders: true,
      topics: [{
        topic,
        numPartitions: 1,
        configEntries: isCompacted
          ? [{ name: "cleanup.policy", value: "compact" }]
          : [],
      }],
    });
  }

  async send(
    topic: string,
    values: readonly (string | Buffer)[],
  ): Promise<void> {
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({
      topic,
      messages: values.map((value) => ({ value })),
    });
    await producer.disconnect();
  }

  async close(): Promise<void> {
    await this.admin.disconnect();
    await this.source.close();
    await this.broker.stop();
    await Deno.remove(this.#dir, { recursive: true });
  }
}
