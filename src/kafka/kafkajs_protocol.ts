// KafkaProtocol by kafkajs 2.2.4. The files kafkajs_*.ts are the only ones that import kafkajs; to read, they use its
// inner classes, which are not public API (docs/decisions/0003).
import type {
  BrokerAddress,
  BrokerConnection,
  KafkaProducer,
  KafkaProtocol,
} from "./kafka_protocol.ts";
import {
  KafkajsConnection,
  type KafkajsConnectionOptions,
} from "./kafkajs_connection.ts";
import { KafkajsProducer } from "./kafkajs_producer.ts";
import { repairRequestQueue } from "./kafkajs_repairs.ts";

export class KafkajsProtocol implements KafkaProtocol {
  readonly #options: KafkajsConnectionOptions;

  constructor(options: KafkajsConnectionOptions) {
    repairRequestQueue();
    this.#options = options;
  }

  connectionTo({ host, port }: BrokerAddress): BrokerConnection {
    return new KafkajsConnection(host, port, this.#options);
  }

  /** The producer uses neither TLS nor SASL: it exists to try Qanat with a broker of one's own. */
  producerOf(brokers: readonly string[]): KafkaProducer {
    return new KafkajsProducer(brokers, this.#options.clientId);
  }
}
