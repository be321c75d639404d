import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseChannel } from "../../src/kafka/channel_record.ts";
import type {
  KafkaProducer,
  TopicMessages,
} from "../../src/kafka/kafka_protocol.ts";
import {
  metadataOf,
  writeMetadata,
} from "../../src/kafka/publisher_metadata.ts";
import { aChannel } from "../channels/a_channel.ts";

const channels = [
  aChannel({ name: "H1:A", publisher: "P", partitionId: "P_A" }),
  aChannel({ name: "H1:B", publisher: "P", partitionId: "P_A" }),
  aChannel({ name: "L1:C", publisher: "Q", partitionId: "Q_C" }),
];

describe("metadataOf()", () => {
  it("has a record for each channel that the catalog reads back", () => {
    const encoder = new TextEncoder();
    const records = metadataOf("P", channels.slice(0, 2)).slice(0, 2);
    const read = records.map(({ key, value }) =>
      parseChannel(key!, encoder.encode(value as string))
    );
    assert.deepEqual(read, channels.slice(0, 2));
  });

  it("ends with a record about the publisher and a digest that has no order", () => {
    const [, , info, digest] = metadataOf("P", channels.slice(0, 2));
    assert.equal(info!.key, "__publisher_info__");
    assert.match(info!.value as string, /"publisher_id": "P", "stride": \d+/);
    assert.match(
      digest!.value as string,
      /"digest": "[0-9a-f]{64}", "count": 2/,
    );
    const other = metadataOf("P", [channels[1]!, channels[0]!]);
    assert.deepEqual(other[3], digest);
  });
});

describe("writeMetadata()", () => {
  it("creates the topics first, then writes one topic for each publisher", async () => {
    const calls: unknown[] = [];
    const producer: KafkaProducer = {
      createTopics: (topics) => {
        calls.push(topics.map((t) => [t.topic, t.isCompacted]));
        return Promise.resolve();
      },
      send: (batch: readonly TopicMessages[], compression, acknowledgedBy) => {
        calls.push([batch.map((b) => b.topic), compression, acknowledgedBy]);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
    await writeMetadata(producer, channels, ["arrakis-P_A", "arrakis-Q_C"]);
    assert.deepEqual(calls, [
      [
        ["arrakis-P_A", false],
        ["arrakis-Q_C", false],
        ["arrakis-metadata-P", true],
        ["arrakis-metadata-Q", true],
      ],
      [["arrakis-metadata-P"], "none", "all"],
      [["arrakis-metadata-Q"], "none", "all"],
    ]);
  });
});
