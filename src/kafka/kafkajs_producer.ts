// Writes into Kafka with kafkajs, in all codecs that Kafka's brokers take from it.
// State of a module: kafkajs keeps its codecs in one registry for the process, which registerCodecs() fills with
// constants; how often that happens makes no difference.
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from "kafkajs";
import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { gzip, zstdCompress } from "node:zlib";
import snappy from "snappyjs";
import {
  type CompressionName,
  type KafkaProducer,
  RefusedError,
  type TopicMessages,
} from "./kafka_protocol.ts";

const COMPRESSIONS: Record<CompressionName, CompressionTypes> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  zstd: CompressionTypes.ZSTD,
};

export class KafkajsProducer implements KafkaProducer {
  readonly #kafka: Kafka;
  readonly #producer: ReturnType<Kafka["producer"]>;
  #connected: Promise<void> | null = null;

  constructor(brokers: readonly string[], clientId: string) {
    registerCodecs();
    this.#kafka = new Kafka({
      brokers: [...brokers],
      clientId,
      logLevel: logLevel.NOTHING,
    });
    this.#producer = this.#kafka.producer({ allowAutoTopicCreation: false });
  }

  async createTopics(
    topics: readonly { topic: string; isCompacted: boolean }[],
  ): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      await admin.createTopics({
        waitForLeaders: true,
        topics: topics.map(({ topic, isCompacted }) => ({
          topic,
          numPartitions: 1,
          configEntries: isCompacted
            ? [{ name: "cleanup.policy", value: "compact" }]
            : [],
        })),
      });
    } finally {
      await admin.disconnect();
    }
  }

  async send(
    batch: readonly TopicMessages[],
    compression: CompressionName,
    acknowledgedBy: "leader" | "all",
  ): Promise<void> {
    try {
      await this.#connect();
      await this.#producer.sendBatch({
        topicMessages: batch.map(({ topic, messages }) => ({
          topic,
          messages: messages.map(({ key = null, value }) => ({
            key,
            value: typeof value === "string" ? value : bufferOf(value),
          })),
        })),
        compression: COMPRESSIONS[compression],
        acks: acknowledgedBy === "all" ? -1 : 1,
      });
    } catch (error) {
      throw refusalOf(error as Error) ?? error;
    }
  }

  async #connect(): Promise<void> {
    this.#connected ??= this.#producer.connect();
    try {
      await this.#connected;
    } catch (error) {
      this.#connected = null;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }
}

/** What kafkajs throws. */
interface KafkajsError extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
}

/** The refusal that an error of kafkajs stems from; null where Kafka was not reached. */
export function refusalOf(error: Error): RefusedError | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at.name !== "KafkaJSProtocolError") continue;
    const { type, retriable, message } = at as KafkajsError;
    return new RefusedError(type ?? message, retriable === false, error);
  }
  return null;
}

interface Codec {
  compress(encoder: { readonly buffer: Uint8Array }): Promise<Buffer>;
  decompress(bytes: Uint8Array): Promise<Buffer>;
}

function codecOf(
  compress: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): () => Codec {
  return () => ({
    compress: async (encoder) => bufferOf(await compress(encoder.buffer)),
    decompress: () => {
      throw new Error("record_batch.ts reads batches, not kafkajs");
    },
  });
}

/** Teaches kafkajs's producers snappy and zstd. Idempotent. */
export function registerCodecs(): void {
  const codecs = CompressionCodecs as unknown as Record<number, () => Codec>;
  codecs[CompressionTypes.GZIP] = codecOf(promisify(gzip));
  codecs[CompressionTypes.Snappy] = codecOf((bytes) => snappy.compress(bytes));
  // Brokers refuse the frames that lz4js writes.
  codecs[CompressionTypes.LZ4] = codecOf(() => {
    throw new Error("lz4 can be read, not written: choose zstd or snappy");
  });
  codecs[CompressionTypes.ZSTD] = codecOf(promisify(zstdCompress));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
