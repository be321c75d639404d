import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { decodeMetadata } from "../../src/kafka/cluster_metadata.ts";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import { SLICE_COST } from "../../src/kafka/loop_slices.ts";
import { newWork, Rounds } from "./batches.ts";

const ID = "00112233445566778899aabbccddeeff";
/** One broker, one topic with partitions 1 and 0; tags where a newer broker may put some. */
const ANSWER = Uint8Array.fromHex([
  "00", // tags
  "00000000", // throttle time
  "02" + "00000007" + "056b617465" + "00002384" + "00" + "00", // 7, "kate", 9092
  "03636c", // cluster id "cl"
  "00000007", // controller
  "02", // one topic
  "0000" + "04616263" + ID + "00", // no error, "abc", id, not internal
  "03", // two partitions
  "0000" + "00000001" + "00000009" + "00000000" + "01" + "01" + "01" + "00",
  "0000" + "00000000" + "00000007" + "00000005" + "0200000007" + "0200000007" +
  "01" + "01" + "0002" + "abcd", // one tag of two bytes
  "80000000" + "00", // authorized operations, tags
  "00",
].join(""));

const decode = (bytes: Uint8Array, work = newWork()) =>
  decodeMetadata(bytes, work.task("decode"));

describe("decodeMetadata()", () => {
  it("reads brokers, topic ids, the leader of partition 0 and how many there are", async () => {
    assert.deepEqual(await decode(ANSWER), {
      brokers: [{ nodeId: 7, host: "kate", port: 9092 }],
      topics: [{
        topic: "abc",
        topicId: ID,
        errorCode: 0,
        leader: 7,
        partitionCount: 2,
      }],
    });
  });

  it("throws at every length that is too short", async () => {
    for (let length = 0; length < ANSWER.length; length++) {
      await assert.rejects(
        decode(ANSWER.subarray(0, length)),
        RangeError,
        `${length} bytes`,
      );
    }
  });

  it("claims of billions of topics, brokers and tags end where the bytes do", async () => {
    for (const at of [0, 5, 20, 21, 28]) {
      const bytes = Uint8Array.from([
        ...ANSWER.subarray(0, at),
        ...[0xff, 0xff, 0xff, 0xff, 0x0f],
        ...ANSWER.subarray(at + 1),
      ]);
      await assert.rejects(decode(bytes), RangeError, `at ${at}`);
    }
  });

  it("reads many topics in slices (100,000 held the loop for 0.3 s, every 5 s)", async () => {
    const head = ANSWER.subarray(0, 28);
    const topic = Uint8Array.from([
      ...[0, 0, 2, 97, ...new Array(16).fill(1), 0, 1],
      ...[0x80, 0, 0, 0, 0],
    ]);
    const count = 20_000;
    const bytes = new Uint8Array(head.length + 3 + count * topic.length + 1);
    bytes.set(head);
    bytes.set(
      [
        (count + 1) % 128 | 128,
        (count + 1) >> 7 & 127 | 128,
        (count + 1) >> 14,
      ],
      head.length,
    );
    for (let i = 0; i < count; i++) {
      bytes.set(topic, head.length + 3 + i * topic.length);
    }
    const rounds = new Rounds();
    const work = new KafkaWork({ slices: rounds.slices });
    const { topics } = await rounds.until(decode(bytes, work));
    assert.equal(topics.length, count);
    assert.ok(rounds.slices.turns >= 15, `${rounds.slices.turns} turns`);
    assert.ok(rounds.slices.peakCost < 1.1 * SLICE_COST);
  });
});
