// The one file that uses kafkajs's inner classes: requests to one broker, answers per partition.
// Invariant: a request that fails or takes too long destroys its connection; the next one begins with a new one.
// Not public API (docs/decisions/0003): kafkajs is pinned exactly, and test/integration/kafka_test.ts holds it.
import type { Buffer } from "node:buffer";
import Broker from "kafkajs/src/broker/index.js";
import connectionPoolBuilder from "kafkajs/src/cluster/connectionPoolBuilder.js";
import { createLogger, LEVELS } from "kafkajs/src/loggers/index.js";
import defaultSocketFactory from "kafkajs/src/network/socketFactory.js";
import Decoder from "kafkajs/src/protocol/decoder.js";
import RecordBatchDecoder from "kafkajs/src/protocol/recordBatch/v0/decoder.js";
import apiKeys from "kafkajs/src/protocol/requests/apiKeys.js";
import { requests } from "kafkajs/src/protocol/requests/index.js";
import { registerCodecs } from "./codecs.ts";

/** TLS material, PEM texts. */
export interface KafkaTls {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

export interface KafkaSasl {
  readonly mechanism:
    | "plain"
    | "scram-sha-256"
    | "scram-sha-512"
    | "oauthbearer";
  readonly username: string;
  readonly password: string;
  /** Read at each authentication, so that a renewed token is used. */
  readonly tokenFile: string;
}

export interface ConnectionOptions {
  readonly clientId: string;
  readonly ssl?: KafkaTls;
  readonly sasl?: KafkaSasl;
}

export interface TopicLeader {
  readonly topic: string;
  readonly errorCode: number;
  /** Node that leads partition 0; −1 when there is none. */
  readonly leader: number;
}

export interface ClusterMetadata {
  readonly brokers: readonly { nodeId: number; host: string; port: number }[];
  readonly topics: readonly TopicLeader[];
}

/** One record of a topic. Views: valid until the next turn of the event loop. */
export interface KafkaRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** What a fetch says of one topic's partition 0. */
export interface FetchedTopic {
  readonly topic: string;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Offset ranges that could not be decoded, `to` exclusive. */
  readonly damaged: readonly { from: number; to: number; reason: string }[];
  readonly records: readonly KafkaRecord[];
  /** Offset behind the last whole batch; −1 when there was none. */
  readonly nextOffset: number;
}

const CONNECT_TIMEOUT_MS = 3000;
const REQUEST_TIMEOUT_MS = 6000;
const EARLIEST = -2;
const LATEST = -1;

// A record batch (magic 2) begins:
//   byte offset 0  int64 first offset    8  int32 length of what follows
//              16  int8 magic           21  int16 attributes    23  int32 last offset delta
const BATCH_PREFIX_BYTES = 12;
const BATCH_HEAD_BYTES = 61;
const CONTROL_BATCH = 0x20;

// deno-lint-ignore no-explicit-any -- kafkajs's inner classes have no types
type Inner = any;

/** Requests to one broker. */
export class KafkaConnection {
  readonly host: string;
  readonly port: number;
  readonly #options: ConnectionOptions;
  #broker: Promise<Inner> | null = null;
  #pool: Inner = null;

  constructor(host: string, port: number, options: ConnectionOptions) {
    this.host = host;
    this.port = port;
    this.#options = options;
    registerCodecs();
  }

  /** All topics and who leads them. */
  async metadata(): Promise<ClusterMetadata> {
    const answer = await this.#send(
      apiKeys.Metadata,
      requests.Metadata,
      { topics: [], allowAutoTopicCreation: false },
    );
    return {
      brokers: answer.brokers.map((b: Inner) => ({
        nodeId: b.nodeId,
        host: b.host,
        port: b.port,
      })),
      topics: answer.topicMetadata.map((t: Inner) => ({
        topic: t.topic,
        errorCode: t.topicErrorCode,
        leader: t.partitionMetadata.find((p: Inner) => p.partitionId === 0)
          ?.leader ?? -1,
      })),
    };
  }

  /** First offset at or after a time (Unix ms), or `"earliest"`, `"latest"`; −1 when there is none. */
  async listOffsets(
    asked: readonly { topic: string; at: number | "earliest" | "latest" }[],
  ): Promise<Map<string, { errorCode: number; offset: number }>> {
    const answer = await this.#send(apiKeys.ListOffsets, requests.ListOffsets, {
      isolationLevel: 0,
      topics: asked.map(({ topic, at }) => ({
        topic,
        partitions: [{
          partition: 0,
          timestamp: at === "earliest"
            ? EARLIEST
            : at === "latest"
            ? LATEST
            : at,
        }],
      })),
    });
    return new Map(answer.responses.map((r: Inner) => [r.topic, {
      errorCode: r.partitions[0].errorCode,
      offset: Number(r.partitions[0].offset),
    }]));
  }

  /** One fetch for many topics; answers when there is data or after `maxWaitMs`. */
  async fetch(
    asked: readonly { topic: string; offset: number; maxBytes: number }[],
    options: { maxWaitMs: number; maxBytes: number },
  ): Promise<FetchedTopic[]> {
    const answer = await this.#send(apiKeys.Fetch, requests.Fetch, {
      isolationLevel: 0,
      maxWaitTime: options.maxWaitMs,
      minBytes: 1,
      maxBytes: options.maxBytes,
      topics: asked.map(({ topic, offset, maxBytes }) => ({
        topic,
        partitions: [{ partition: 0, fetchOffset: String(offset), maxBytes }],
      })),
    }, decodeFetch);
    if (answer.errorCode !== 0) {
      throw new Error(`Kafka refused a fetch with error ${answer.errorCode}`);
    }
    const offsets = new Map(asked.map((a) => [a.topic, a.offset]));
    return await Promise.all(
      answer.topics.map((raw: RawTopic) =>
        decodeTopic(raw, offsets.get(raw.topic) ?? 0)
      ),
    );
  }

  /** Drops the sockets at once. The next request connects anew. */
  destroy(): void {
    for (const connection of this.#pool?.pool ?? []) {
      connection.requestQueue.destroy();
      connection.socket?.destroy();
    }
    this.#pool = null;
    this.#broker = null;
  }

  async #send(
    apiKey: number,
    request: Inner,
    fields: Record<string, unknown>,
    decode?: (bytes: Buffer) => Promise<Inner>,
  ): Promise<Inner> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new Error(
              `${this.host}:${this.port} did not answer within ${REQUEST_TIMEOUT_MS} ms`,
            ),
          ),
        REQUEST_TIMEOUT_MS,
      );
    });
    try {
      const work = (async () => {
        const broker = await (this.#broker ??= this.#connect());
        const made = broker.lookupRequest(apiKey, request)(fields);
        return await broker.connectionPool.send({
          ...made,
          response: {
            decode: decode ?? made.response.decode,
            parse: (answer: Inner) => answer,
          },
        });
      })();
      work.catch(() => {});
      return await Promise.race([work, overdue]);
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #connect(): Promise<Inner> {
    const { clientId, ssl, sasl } = this.#options;
    const logger = createLogger({
      level: LEVELS.NOTHING,
      logCreator: () => () => {},
    });
    const pool = await connectionPoolBuilder({
      logger,
      brokers: [`${this.host}:${this.port}`],
      clientId,
      ssl: ssl && { ...ssl, servername: this.host },
      sasl: sasl && await saslOf(sasl),
      socketFactory: defaultSocketFactory(),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: false,
      maxInFlightRequests: null,
      reauthenticationThreshold: 10_000,
    }).build({ host: this.host, port: this.port });
    this.#pool = pool;
    const broker = new Broker({
      connectionPool: pool,
      logger,
      allowAutoTopicCreation: false,
      authenticationTimeout: CONNECT_TIMEOUT_MS,
    });
    await broker.connect();
    return broker;
  }
}

function saslOf(sasl: KafkaSasl): Inner {
  const { mechanism, username, password, tokenFile } = sasl;
  if (mechanism !== "oauthbearer") return { mechanism, username, password };
  return {
    mechanism,
    oauthBearerProvider: async () => ({
      value: (await Deno.readTextFile(tokenFile)).trim(),
    }),
  };
}

interface RawTopic {
  readonly topic: string;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly records: Buffer;
}

/** A fetch response of any version kafkajs speaks up to 11, records left as bytes. */
function decodeFetch(bytes: Buffer): Promise<Inner> {
  const decoder = new Decoder(bytes);
  decoder.readInt32(); // throttle time
  const errorCode = decoder.readInt16();
  decoder.readInt32(); // session id
  const topics: RawTopic[] = [];
  const topicCount = decoder.readInt32();
  for (let t = 0; t < topicCount; t++) {
    const topic = decoder.readString();
    const partitionCount = decoder.readInt32();
    for (let p = 0; p < partitionCount; p++) {
      decoder.readInt32(); // partition, always 0
      const partitionError = decoder.readInt16();
      const highWatermark = Number(decoder.readInt64());
      decoder.readInt64(); // last stable offset
      decoder.readInt64(); // log start offset
      const abortedCount = decoder.readInt32();
      for (let a = 0; a < abortedCount; a++) {
        decoder.readInt64();
        decoder.readInt64();
      }
      decoder.readInt32(); // preferred read replica
      const size = decoder.readInt32();
      const records = decoder.readBytes(Math.max(0, size));
      topics.push({ topic, errorCode: partitionError, highWatermark, records });
    }
  }
  return Promise.resolve({ errorCode, topics });
}

/** Decodes whole batches one by one, so that a damaged one costs only itself. */
async function decodeTopic(
  raw: RawTopic,
  fromOffset: number,
): Promise<FetchedTopic> {
  const { topic, errorCode, highWatermark, records: bytes } = raw;
  const records: KafkaRecord[] = [];
  const damaged: { from: number; to: number; reason: string }[] = [];
  let nextOffset = -1;
  for (let at = 0; at + BATCH_HEAD_BYTES <= bytes.length;) {
    const first = Number(bytes.readBigInt64BE(at));
    const end = at + BATCH_PREFIX_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length || end <= at) break;
    const to = first + bytes.readInt32BE(at + 23) + 1;
    if ((bytes.readInt16BE(at + 21) & CONTROL_BATCH) === 0) {
      try {
        const batch = await RecordBatchDecoder(
          new Decoder(bytes.subarray(at, end)),
        );
        for (const record of batch.records) {
          const offset = Number(record.offset);
          if (offset < fromOffset) continue;
          records.push({
            offset,
            timestampMs: Number(record.timestamp),
            key: record.key,
            value: record.value,
          });
        }
      } catch (error) {
        damaged.push({
          from: Math.max(first, fromOffset),
          to,
          reason: String((error as Error).message).slice(0, 200),
        });
      }
    }
    nextOffset = to;
    at = end;
  }
  return { topic, errorCode, highWatermark, damaged, records, nextOffset };
}
