import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { expand } from "../../src/kafka/codecs.ts";
import { BATCH_BYTES_MAX } from "../../src/kafka/kafka_work.ts";
import { refusalOf, registerCodecs } from "../../src/kafka/kafkajs_producer.ts";
import { newWork } from "./batches.ts";

describe("registerCodecs()", () => {
  const text = Buffer.from("strain ".repeat(1000));
  const codecOf = (name: "GZIP" | "Snappy" | "ZSTD" | "LZ4") =>
    (CompressionCodecs as unknown as Record<
      number,
      () => { compress(e: { buffer: Buffer }): Promise<Buffer> }
    >)[CompressionTypes[name]]!();

  it("lets kafkajs write gzip, snappy and zstd", async () => {
    registerCodecs();
    for (
      const [name, codec] of [["GZIP", 1], ["Snappy", 2], ["ZSTD", 4]] as const
    ) {
      const bytes = await codecOf(name).compress({ buffer: text });
      assert.ok(bytes.length < text.length / 4, name);
      const task = newWork().task("decode");
      const content = await expand(codec, bytes, BATCH_BYTES_MAX, task);
      assert.ok(content.equals(text), name);
    }
  });

  it("does not write lz4, which brokers would refuse", async () => {
    registerCodecs();
    await assert.rejects(
      codecOf("LZ4").compress({ buffer: text }),
      /not written/,
    );
  });
});

describe("refusalOf()", () => {
  const named = (name: string, more = {}) =>
    Object.assign(new Error("x"), { name, ...more });
  const protocol = (type: string, retriable: boolean) =>
    named("KafkaJSProtocolError", { type, retriable });

  it("finds the error of Kafka below the errors of kafkajs", () => {
    const cause = protocol("MESSAGE_TOO_LARGE", false);
    const error = named("KafkaJSNumberOfRetriesExceeded", { cause });
    const refusal = refusalOf(error)!;
    assert.equal(refusal.kafkaName, "MESSAGE_TOO_LARGE");
    assert.equal(refusal.isFinal, true);
    assert.equal(refusalOf(protocol("NOT_LEADER", true))!.isFinal, false);
  });

  it("is null where Kafka was not reached", () => {
    const cause = named("KafkaJSConnectionError");
    assert.equal(refusalOf(cause), null);
    assert.equal(
      refusalOf(named("KafkaJSNumberOfRetriesExceeded", { cause })),
      null,
    );
  });
});
