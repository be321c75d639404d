// Requests to one broker over kafkajs's inner classes, which are not public API (docs/decisions/0003): kafkajs is pinned
// exactly, and test/integration/kafka_test.ts checks this use of it.
// Invariant: a request that fails or takes too long destroys its connection; the next one begins with a new one.
import { Buffer } from "node:buffer";
import Broker from "kafkajs/src/broker/index.js";
import connectionPoolBuilder from "kafkajs/src/cluster/connectionPoolBuilder.js";
import { createLogger, LEVELS } from "kafkajs/src/loggers/index.js";
import Encoder from "kafkajs/src/protocol/encoder.js";
import apiKeys from "kafkajs/src/protocol/requests/apiKeys.js";
import { requests } from "kafkajs/src/protocol/requests/index.js";
import {
  type ClusterMetadata,
  decodeMetadata,
  METADATA_REQUEST,
  METADATA_VERSION,
} from "./cluster_metadata.ts";
import { errorName } from "./error_name.ts";
import type { BrokerConnection, OffsetAsked } from "./kafka_protocol.ts";
import { FETCH_VERSION, type RawTopic, splitAnswer } from "./fetch_answer.ts";
import type { KafkaWork } from "./kafka_work.ts";
import { decodeOffsets, LIST_OFFSETS_VERSION } from "./list_offsets.ts";
import { guardedSocketFactory } from "./kafkajs_repairs.ts";
import { type KafkaSasl, saslOf } from "./kafkajs_sasl.ts";

/** TLS material, PEM texts. */
export interface KafkaTls {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

export interface KafkajsConnectionOptions {
  readonly clientId: string;
  readonly ssl?: KafkaTls;
  readonly sasl?: KafkaSasl;
  /** Decoding of answers is shared work of this process. */
  readonly work: KafkaWork;
}

const CONNECT_TIMEOUT_MS = 3000;
const REQUEST_TIMEOUT_MS = 6000;
/** A SASL session is renewed this long before it ends. */
const REAUTHENTICATE_MS = 10_000;
/** Isolation level: records of transactions that are open or were aborted are not read. */
const READ_COMMITTED = 1;
const EARLIEST = -2;
const LATEST = -1;

// deno-lint-ignore no-explicit-any -- kafkajs's inner classes have no types
type Inner = any;

/** Requests to one broker. */
export class KafkajsConnection implements BrokerConnection {
  readonly address: string;
  readonly #host: string;
  readonly #port: number;
  readonly #options: KafkajsConnectionOptions;
  #broker: Promise<Inner> | null = null;
  #pool: Inner = null;
  /** Counts the connections that were destroyed. */
  #generation = 0;
  /** Reject the requests that are under way. */
  readonly #aborts = new Set<(reason: Error) => void>();

  constructor(host: string, port: number, options: KafkajsConnectionOptions) {
    this.#host = host;
    this.#port = port;
    this.address = `${host}:${port}`;
    this.#options = options;
  }

  async metadata(): Promise<ClusterMetadata> {
    const metadata: ClusterMetadata = await this.#send((broker) =>
      broker.versions[apiKeys.Metadata].maxVersion >= METADATA_VERSION
        ? {
          request: {
            apiKey: apiKeys.Metadata,
            apiVersion: METADATA_VERSION,
            apiName: "Metadata",
            encode: () =>
              Promise.resolve(
                new Encoder().writeBuffer(Buffer.from(METADATA_REQUEST)),
              ),
          },
          response: {
            decode: (bytes: Buffer) => this.#decodeMetadata(bytes),
          },
        }
        : oldMetadata(broker)
    );
    if (metadata.brokers.length === 0) {
      throw new Error(`${this.address} names no brokers of its cluster`);
    }
    return metadata;
  }

  async #decodeMetadata(bytes: Buffer): Promise<ClusterMetadata> {
    const task = this.#options.work.task("decode");
    task.start();
    try {
      return await decodeMetadata(bytes, task);
    } finally {
      task.stop();
    }
  }

  async listOffsets(
    asked: readonly { topic: string; at: OffsetAsked }[],
  ): Promise<Map<string, { errorCode: number; offset: number }>> {
    return await this.#send(() => ({
      ...requests.ListOffsets.protocol({ version: LIST_OFFSETS_VERSION })({
        isolationLevel: READ_COMMITTED,
        topics: asked.map(({ topic, at }) => ({
          topic,
          partitions: [{ partition: 0, timestamp: timestampOf(at) }],
        })),
      }),
      response: {
        decode: (bytes: Buffer) => Promise.resolve(decodeOffsets(bytes)),
      },
    }));
  }

  async fetch(
    asked: readonly { topic: string; offset: number; maxBytes: number }[],
    options: { maxWaitMs: number; maxBytes: number },
  ): Promise<readonly RawTopic[]> {
    const { time, nowMs } = this.#options.work;
    const answer = await this.#send(() => ({
      ...requests.Fetch.protocol({ version: FETCH_VERSION })({
        isolationLevel: READ_COMMITTED,
        maxWaitTime: options.maxWaitMs,
        minBytes: 1,
        maxBytes: options.maxBytes,
        topics: asked.map(({ topic, offset, maxBytes }) => ({
          topic,
          partitions: [{ partition: 0, fetchOffset: String(offset), maxBytes }],
        })),
      }),
      response: {
        decode: (bytes: Buffer) => {
          const beganMs = nowMs();
          const answer = splitAnswer(bytes);
          time.decode += (nowMs() - beganMs) / 1000;
          return Promise.resolve(answer);
        },
      },
    }));
    if (answer.errorCode !== 0) {
      throw new Error(`Kafka refused a fetch: ${errorName(answer.errorCode)}`);
    }
    return answer.topics;
  }

  destroy(): void {
    this.#generation++;
    for (const connection of this.#pool?.pool ?? []) {
      connection.requestQueue.destroy();
      connection.socket?.destroy();
    }
    this.#pool = null;
    this.#broker = null;
    const reason = new Error(`The connection to ${this.address} was closed`);
    for (const abort of this.#aborts) abort(reason);
  }

  async #send(make: (broker: Inner) => Inner): Promise<Inner> {
    const generation = this.#generation;
    const { promise: ended, reject: abort } = Promise.withResolvers<never>();
    this.#aborts.add(abort);
    const timer = setTimeout(
      () =>
        abort(
          new Error(
            `${this.address} did not answer within ${REQUEST_TIMEOUT_MS} ms`,
          ),
        ),
      REQUEST_TIMEOUT_MS,
    );
    try {
      const work = (async () => {
        const broker = await (this.#broker ??= this.#connect());
        this.#check(generation);
        const { request, response } = make(broker);
        return await broker.connectionPool.send({
          request,
          response: {
            decode: response.decode,
            parse: (answer: Inner) => answer,
          },
        });
      })();
      work.catch(() => {});
      return await Promise.race([work, ended]);
    } catch (error) {
      if (generation === this.#generation) this.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#aborts.delete(abort);
    }
  }

  /** Throws when the connection was destroyed in the meantime. */
  #check(generation: number): void {
    if (generation !== this.#generation) {
      throw new Error(`The connection to ${this.address} was closed`);
    }
  }

  async #connect(): Promise<Inner> {
    const generation = this.#generation;
    const { clientId, ssl, sasl } = this.#options;
    const logger = createLogger({
      level: LEVELS.NOTHING,
      logCreator: () => () => {},
    });
    const pool = await connectionPoolBuilder({
      logger,
      brokers: [this.address],
      clientId,
      // kafkajs names a host to the broker (SNI), never an address, for which TLS has no such field. Either way the
      // certificate is checked against this.#host.
      ssl,
      sasl: sasl && saslOf(sasl),
      socketFactory: guardedSocketFactory(),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: false,
      maxInFlightRequests: null,
      reauthenticationThreshold: REAUTHENTICATE_MS,
    }).build({ host: this.#host, port: this.#port });
    this.#check(generation);
    this.#pool = pool;
    const broker = new Broker({
      connectionPool: pool,
      logger,
      allowAutoTopicCreation: false,
      authenticationTimeout: CONNECT_TIMEOUT_MS,
    });
    await broker.connect();
    if (broker.versions[apiKeys.Fetch].maxVersion < FETCH_VERSION) {
      throw new Error(`${this.address} is older than Kafka 2.1`);
    }
    return broker;
  }
}

function timestampOf(at: OffsetAsked): number {
  return at === "earliest" ? EARLIEST : at === "latest" ? LATEST : at;
}

/** The newest version of the request that kafkajs itself implements; its answer has no topic ids. */
function oldMetadata(broker: Inner): Inner {
  const made = broker.lookupRequest(apiKeys.Metadata, requests.Metadata)({
    topics: [],
    allowAutoTopicCreation: false,
  });
  const decode = async (bytes: Buffer): Promise<ClusterMetadata> => {
    const { brokers, topicMetadata } = await made.response.decode(bytes);
    return {
      brokers,
      topics: topicMetadata.map((t: Inner) => ({
        topic: t.topic,
        topicId: "",
        errorCode: t.topicErrorCode,
        leader: t.partitionMetadata.find((p: Inner) => p.partitionId === 0)
          ?.leader ?? -1,
        partitionCount: t.partitionMetadata.length,
      })),
    };
  };
  return { request: made.request, response: { decode } };
}
