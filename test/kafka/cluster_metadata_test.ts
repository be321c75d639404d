import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { decodeMetadata } from "../../src/kafka/cluster_metadata.ts";

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

describe("decodeMetadata()", () => {
  it("reads brokers, topic ids, the leader of partition 0 and how many there are", () => {
    assert.deepEqual(decodeMetadata(ANSWER), {
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

  it("throws at every length that is too short", () => {
    for (let length = 0; length < ANSWER.length; length++) {
      assert.throws(
        () => decodeMetadata(ANSWER.subarray(0, length)),
        RangeError,
        `${length} bytes`,
      );
    }
  });
});
