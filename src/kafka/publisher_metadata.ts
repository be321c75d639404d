// Writes what a publisher of Arrakis writes before its first block: its topics, the records of its channels, a record
// about itself, and a digest of all channels.
import { createHash } from "node:crypto";
import type { Channel } from "../channels/channel.ts";
import { encodeChannel, METADATA_PREFIX } from "./channel_record.ts";
import type { KafkaProducer, ProducedMessage } from "./kafka_protocol.ts";

/** Creates missing topics, then writes the metadata of every publisher of some channels. */
export async function writeMetadata(
  producer: KafkaProducer,
  channels: readonly Channel[],
  topics: readonly string[],
): Promise<void> {
  const publishers = Map.groupBy(channels, (channel) => channel.publisher);
  await producer.createTopics([
    ...topics.map((topic) => ({ topic, isCompacted: false })),
    ...[...publishers.keys()].map((publisher) => ({
      topic: METADATA_PREFIX + publisher,
      isCompacted: true,
    })),
  ]);
  for (const [publisher, members] of publishers) {
    const topic = METADATA_PREFIX + publisher;
    const messages = metadataOf(publisher, members);
    await producer.send([{ topic, messages }], "none", "all");
  }
}

/** The messages of one publisher's metadata topic. */
export function metadataOf(
  publisher: string,
  members: readonly Channel[],
): ProducedMessage[] {
  const { strideNs, maxLatencyNs } = members[0]!;
  const digest = createHash("sha256");
  for (const record of members.map(encodeChannel).sort()) {
    digest.update(record).update("\x1e");
  }
  return [
    ...members.map((c) => ({ key: c.name, value: encodeChannel(c) })),
    {
      key: "__publisher_info__",
      value: `{"publisher_id": "${publisher}", "stride": ${strideNs}, ` +
        `"max_latency": ${maxLatencyNs}, "dynamic": false, "replay_id": null}`,
    },
    {
      key: "__digest__",
      value: `{"version": 1, "digest": "${digest.digest("hex")}", ` +
        `"count": ${members.length}}`,
    },
  ];
}
