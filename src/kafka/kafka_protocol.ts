// What Qanat asks of a Kafka cluster: metadata, offsets, fetch, produce. kafkajs_protocol.ts implements it with kafkajs;
// tests play it without a socket.
import type { ClusterMetadata } from "./cluster_metadata.ts";
import type { RawTopic } from "./fetch_answer.ts";

/** The two sides of the protocol. Nothing is connected before the first request. */
export interface KafkaProtocol {
  /** Requests to one broker, to read. */
  connectionTo(broker: BrokerAddress): BrokerConnection;
  /** Writes through the cluster that these brokers (`host:port`) belong to. */
  producerOf(brokers: readonly string[]): KafkaProducer;
}

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** An offset to look up: the first one since a Unix ms, or an end of the log. */
export type OffsetAsked = number | "earliest" | "latest";

/** Looks up offsets in partition 0 of topics. */
export interface OffsetLookup {
  /** An offset of −1 means that nothing is so new. A topic may be missing in the answer. */
  listOffsets(
    asked: readonly { topic: string; at: OffsetAsked }[],
  ): Promise<Map<string, { errorCode: number; offset: number }>>;
}

/** Reads partition 0 of topics. */
export interface LogAccess extends OffsetLookup {
  /**
   * One fetch for many topics; answers when there is data, or after `maxWaitMs`. Records of transactions that are open
   * are not in it. Rejects when the broker refuses the whole request.
   */
  fetch(
    asked: readonly { topic: string; offset: number; maxBytes: number }[],
    options: { maxWaitMs: number; maxBytes: number },
  ): Promise<readonly RawTopic[]>;
}

/** Requests to one broker. A request that fails or takes too long rejects; the next one connects again. */
export interface BrokerConnection extends LogAccess {
  /** `host:port`. */
  readonly address: string;
  /** All brokers and topics of the cluster. */
  metadata(): Promise<ClusterMetadata>;
  /** Closes the connection at once; requests that are under way reject. */
  destroy(): void;
}

/** Bytes to write, or text. */
export interface ProducedMessage {
  readonly key?: string;
  readonly value: Uint8Array | string;
}

/** Messages for one topic, in order. */
export interface TopicMessages<Message = ProducedMessage> {
  readonly topic: string;
  readonly messages: readonly Message[];
}

export type CompressionName = "none" | "gzip" | "snappy" | "zstd";

/** Writes into a cluster. */
export interface KafkaProducer {
  /** Creates topics of one partition, unless they exist. */
  createTopics(
    topics: readonly { topic: string; isCompacted: boolean }[],
  ): Promise<void>;
  /**
   * Writes all messages; resolves when each topic's leader has them, or all of its replicas. Rejects with a
   * {@linkcode RefusedError} where Kafka refuses.
   */
  send(
    batch: readonly TopicMessages[],
    compression: CompressionName,
    acknowledgedBy: "leader" | "all",
  ): Promise<void>;
  close(): Promise<void>;
}

/** A broker has answered that it does not do what was asked. */
export class RefusedError extends Error {
  override name = "RefusedError";
  /** The error's name in Kafka's documentation. */
  readonly kafkaName: string;
  /** The same request would be refused again. */
  readonly isFinal: boolean;

  constructor(kafkaName: string, isFinal: boolean, cause?: unknown) {
    super(kafkaName, { cause });
    this.kafkaName = kafkaName;
    this.isFinal = isFinal;
  }
}
