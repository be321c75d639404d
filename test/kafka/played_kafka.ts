// A Kafka cluster that tests play: brokers by address, without a socket. An address without a broker refuses.
import type { ClusterMetadata } from "../../src/kafka/cluster_metadata.ts";
import type { RawTopic } from "../../src/kafka/fetch_answer.ts";
import type {
  BrokerAddress,
  BrokerConnection,
  KafkaProducer,
  KafkaProtocol,
  OffsetAsked,
} from "../../src/kafka/kafka_protocol.ts";

/** What a played broker answers; an absent part is never answered. */
export interface PlayedBroker {
  metadata?(): ClusterMetadata;
  offsetOf?(topic: string, at: OffsetAsked): number;
  fetch?(
    asked: readonly { topic: string; offset: number }[],
  ): readonly RawTopic[] | Promise<readonly RawTopic[]>;
}

export class PlayedKafka implements KafkaProtocol {
  /** By `host:port`. */
  readonly brokers = new Map<string, PlayedBroker>();
  /** Connections that are not destroyed. */
  readonly open = new Set<BrokerConnection>();

  connectionTo({ host, port }: BrokerAddress): BrokerConnection {
    const address = `${host}:${port}`;
    const { promise: destroyed, reject } = Promise.withResolvers<never>();
    destroyed.catch(() => {});
    const answer = <T>(part: (broker: PlayedBroker) => T | undefined) => {
      const broker = this.brokers.get(address);
      if (!broker) return Promise.reject(new Error(`${address} refuses`));
      const made = part(broker);
      return made === undefined
        ? destroyed
        : Promise.race([destroyed, made]) as Promise<Awaited<T>>;
    };
    const connection: BrokerConnection = {
      address,
      metadata: () => answer((broker) => broker.metadata?.()),
      listOffsets: (asked) =>
        answer(({ offsetOf }) =>
          offsetOf && new Map(asked.map(({ topic, at }) => [
            topic,
            { errorCode: 0, offset: offsetOf(topic, at) },
          ]))
        ),
      fetch: (asked) => answer((broker) => broker.fetch?.(asked)),
      destroy: () => {
        this.open.delete(connection);
        reject(new Error(`The connection to ${address} was closed`));
      },
    };
    this.open.add(connection);
    return connection;
  }

  producerOf(): KafkaProducer {
    throw new Error("Nothing is produced here");
  }
}
