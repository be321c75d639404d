// Makes the Kafka source that the settings describe; reads the certificate files.
import type { Catalog } from "../channels/catalog.ts";
import { KafkaWork } from "../kafka/kafka_work.ts";
import { KafkajsProtocol } from "../kafka/kafkajs_protocol.ts";
import { readNamedFile } from "../files/named_file.ts";
import { Turns } from "../files/turns.ts";
import type { HealthSettings } from "../settings/health_settings.ts";
import type { KafkaSettings } from "../settings/kafka_settings.ts";
import type { Logger } from "../telemetry/log.ts";
import type { TopicMapping } from "../topics/topic_mapping.ts";
import { parseTopics, TOPICS_FILE_BYTES_MAX } from "../topics/topics_file.ts";
import { KafkaSource } from "./kafka_source.ts";

/** The Kafka source that the settings describe. Throws when a file cannot be read. */
export async function kafkaSourceOf(
  config: KafkaSettings & Pick<HealthSettings, "readyGraceMs">,
  catalog: Catalog,
  log: Logger,
): Promise<KafkaSource> {
  const read = async (name: string, path: string) =>
    path === "" ? undefined : await readNamedFile(name, path);
  const [ca, cert, key] = await Promise.all([
    read("--kafka-ca", config.kafkaCa),
    read("--kafka-cert", config.kafkaCert),
    read("--kafka-key", config.kafkaKey),
  ]);
  const mappings = config.topics === "" ? [] : await mappingsOf(config.topics);
  const ssl = config.kafkaTls || ca !== undefined || cert !== undefined
    ? {
      ...(ca === undefined ? {} : { ca: [ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }
    : undefined;
  const work = new KafkaWork();
  const protocol = new KafkajsProtocol({
    clientId: "qanat",
    work,
    ...(ssl ? { ssl } : {}),
    ...(config.kafkaSasl === "" ? {} : {
      sasl: {
        mechanism: config.kafkaSasl,
        username: config.kafkaUser,
        password: config.kafkaPassword,
        tokenFile: config.kafkaTokenFile,
      },
    }),
  });
  return new KafkaSource({
    protocol,
    work,
    brokers: config.kafka,
    catalog,
    log,
    readyGraceMs: config.readyGraceMs,
    mappings,
  });
}

async function mappingsOf(path: string): Promise<TopicMapping[]> {
  const text = await readNamedFile("--topics", path, TOPICS_FILE_BYTES_MAX);
  try {
    return await parseTopics(text, new Turns());
  } catch (error) {
    throw new Error(`the file of --topics: ${(error as Error).message}`);
  }
}
