import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import {
  headAt,
  isAbortMarker,
  RecordReader,
} from "../../src/kafka/record_batch.ts";
import { batchBytes } from "./batches.ts";

/** Two records, offsets 7 and 9, the second without key and 5 ms later. */
const RECORDS = Buffer.from([
  ...[2 * 10, 0, 0, 0, 2 * 1, 65, 2 * 3, 1, 2, 3, 0],
  ...[2 * 7, 0, 2 * 5, 2 * 2, 1, 2 * 1, 4, 0],
]);

function readAll(body: Buffer, count = 2, attributes = 0) {
  const head = headAt(
    batchBytes({ first: 7, lastDelta: 2, body, count, attributes }),
    0,
  )!;
  const reader = new RecordReader(head, head.body);
  return Array.from({ length: count }, () => reader.next()!);
}

describe("RecordReader", () => {
  it("reads offsets, times, keys and values", () => {
    const [first, second] = readAll(RECORDS);
    assert.equal(first!.offset, 7);
    assert.equal(first!.timestampMs, 1000);
    assert.deepEqual([...first!.key!], [65]);
    assert.deepEqual([...first!.value!], [1, 2, 3]);
    assert.equal(second!.offset, 9);
    assert.equal(second!.timestampMs, 1005);
    assert.equal(second!.key, null);
    assert.deepEqual([...second!.value!], [4]);
  });

  it("uses the broker's time where the batch has that flag", () => {
    for (const record of readAll(RECORDS, 2, 0x8)) {
      assert.equal(record.timestampMs, 5000);
    }
  });

  it("skips headers without reading them: one record that claimed 2 billion ran a loop for each", () => {
    const claim = Buffer.from([
      ...[2 * 10, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f],
    ]);
    assert.equal(readAll(claim, 1)[0]!.value, null);
  });

  it("throws at every length that is too short", () => {
    for (let length = 0; length < RECORDS.length; length++) {
      assert.throws(() => readAll(RECORDS.subarray(0, length)), RangeError);
    }
  });

  it("throws on every claim that the record does not hold", () => {
    const record = [2 * 6, 0, 0, 0, 1, 1, 0];
    assert.equal(readAll(Buffer.from(record), 1).length, 1);
    const changed = (at: number, ...bytes: number[]) =>
      Buffer.from([...record.slice(0, at), ...bytes, ...record.slice(at + 1)]);
    for (
      const [why, bytes] of [
        ["length below the least", changed(0, 2 * 5)],
        ["negative length", changed(0, 1)],
        ["length beyond the batch", changed(0, 2 * 7)],
        ["offset beyond the batch", changed(3, 2 * 3)],
        ["offset before the batch", changed(3, 1)],
        ["key beyond the record", changed(4, 2 * 50)],
        ["negative key", changed(4, 3)],
        ["value beyond the record", changed(5, 2 * 50)],
        ["endless varint", Buffer.alloc(20, 0xff)],
      ] as const
    ) assert.throws(() => readAll(bytes, 1), RangeError, why);
  });

  it("throws on an offset that comes twice", () => {
    const record = [2 * 6, 0, 0, 0, 1, 1, 0];
    assert.throws(() => readAll(Buffer.from([...record, ...record])), /twice/);
  });

  it("refuses more records than its bytes can hold, before the first", () => {
    assert.throws(() => readAll(RECORDS, 400_000), /do not fit in 19 bytes/);
  });

  it("takes no time that is none", () => {
    const far = Buffer.from([
      ...[2 * 15, 0, 0xfe, ...new Array(8).fill(0xff), 0x01, 0, 1, 1, 0, 0, 0],
    ]);
    assert.equal(readAll(far, 1)[0]!.timestampMs, -1);
  });
});

describe("headAt()", () => {
  it("takes no batch that is shorter than its head", () => {
    const bytes = batchBytes({ first: 0, lastDelta: 0 });
    for (const length of [-1, 0, 48, 0x7fffffff, -0x80000000]) {
      bytes.writeInt32BE(length, 8);
      assert.equal(headAt(bytes, 0), null, `${length}`);
    }
  });
});

describe("isAbortMarker()", () => {
  it("distinguishes an abort from a commit", () => {
    for (const marker of ["abort", "commit"] as const) {
      const head = headAt(batchBytes({ first: 0, lastDelta: 0, marker }), 0)!;
      assert.equal(isAbortMarker(head), marker === "abort");
    }
  });
});
