import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import { splitAnswer } from "../../src/kafka/fetch_answer.ts";

function topicBytes(name: string, aborted: number, records: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from("00000001" + "00000000" + "0003", "hex"),
    Buffer.from(
      "000000000000002a" + "0000000000000029" + "0".repeat(16),
      "hex",
    ),
    Buffer.from([0, 0, 0, aborted]),
    Buffer.alloc(16 * aborted, 7),
    Buffer.from([0, 0, 0, records.length]),
    Buffer.from(records),
  ]);
}

const HEAD = "00000000" + "0000" + "00000000";
const ANSWER = Buffer.concat([
  Buffer.from(HEAD + "00000002", "hex"),
  topicBytes("one", 2, "abc"),
  topicBytes("two", 0, ""),
]);

describe("splitAnswer()", () => {
  it("reads topics one by one, aborted transactions among them", () => {
    const { errorCode, topics } = splitAnswer(ANSWER);
    assert.equal(errorCode, 0);
    assert.deepEqual(
      topics.map((t) => [
        t.topic,
        t.errorCode,
        t.highWatermark,
        t.lastStableOffset,
        t.aborted.length,
        t.batches.toString(),
      ]),
      [["one", 3, 42, 41, 32, "abc"], ["two", 3, 42, 41, 0, ""]],
    );
  });

  it("throws at every length that is too short", () => {
    for (let length = 0; length < ANSWER.length; length++) {
      assert.throws(() => splitAnswer(ANSWER.subarray(0, length)), RangeError);
    }
  });

  it("a name of negative length does not go back (it went round for 2 billion topics)", () => {
    const bytes = Buffer.from(HEAD + "7fffffff" + "fffa" + "00000000", "hex");
    assert.throws(() => splitAnswer(bytes), /-6 bytes/);
  });

  it("claims of 2 billion topics, transactions and bytes end where the bytes do", () => {
    for (const at of [10, 19, 53, 57]) {
      const bytes = Buffer.concat([
        Buffer.from(HEAD + "00000001", "hex"),
        topicBytes("one", 0, ""),
      ]);
      bytes.writeInt32BE(0x7fffffff, at);
      assert.throws(() => splitAnswer(bytes), RangeError, `at ${at}`);
    }
  });
});
