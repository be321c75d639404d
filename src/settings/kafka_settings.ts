// Settings: how to reach Kafka.
import { brokers, choice, file, flag, secret, text } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** How Qanat authenticates to the brokers. */
export type SaslMechanism =
  | "plain"
  | "scram-sha-256"
  | "scram-sha-512"
  | "oauthbearer";

/** Access to Kafka. */
export interface KafkaSettings {
  /** Broker addresses; empty for the embedded source. */
  readonly kafka: readonly string[];
  /** Use TLS to the brokers */
  readonly kafkaTls: boolean;
  /** Paths of PEM files; empty for none. */
  readonly kafkaCa: string;
  /** PEM certificate that Qanat shows to the brokers */
  readonly kafkaCert: string;
  /** PEM private key of --kafka-cert */
  readonly kafkaKey: string;
  /** SASL mechanism; empty: no authentication. */
  readonly kafkaSasl: "" | SaslMechanism;
  /** SASL user. */
  readonly kafkaUser: string;
  /** SASL password; safer by variable than by flag */
  readonly kafkaPassword: string;
  /** Token for oauthbearer, read at each authentication */
  readonly kafkaTokenFile: string;
  /** Path of a file that maps topics of Arrow to channels; empty for none. */
  readonly topics: string;
}

export const KAFKA_SETTINGS = {
  kafka: brokers(
    "Kafka brokers; without any, and without --upstream, the embedded source is used",
  ),
  kafkaTls: flag("use TLS to the brokers"),
  kafkaCa: file("PEM certificates of the authorities to trust"),
  kafkaCert: file("PEM certificate that Qanat shows to the brokers"),
  kafkaKey: file("PEM private key of --kafka-cert"),
  kafkaSasl: choice(
    "",
    ["", "plain", "scram-sha-256", "scram-sha-512", "oauthbearer"],
    "SASL mechanism; unset: no authentication by SASL",
  ),
  kafkaUser: text("TEXT", "SASL user name"),
  kafkaPassword: secret("SASL password; safer by variable than by flag"),
  kafkaTokenFile: file("token for oauthbearer, read at each authentication"),
  topics: file("JSON that maps other Kafka topics of Arrow to channels"),
} satisfies SettingsOf<KafkaSettings>;
