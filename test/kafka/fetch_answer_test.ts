import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import {
  type BatchDecoder,
  decodeTopic,
  splitAnswer,
} from "../../src/kafka/fetch_answer.ts";

interface Batch {
  readonly first: number;
  /** Offset of the last record that the batch had when it was written, relative to the first. */
  readonly lastDelta: number;
  readonly offsets?: readonly number[];
  readonly isControl?: boolean;
  readonly isDamaged?: boolean;
  readonly magic?: number;
}

/** A batch's head as Kafka writes it; in place of its records, what the decoder below reads. */
function batch(
  { first, lastDelta, offsets, isControl, isDamaged, magic = 2 }: Batch,
): Buffer {
  const held = offsets ??
    Array.from({ length: lastDelta + 1 }, (_, i) => first + i);
  const body = isDamaged ? "?" : held.join(",");
  const bytes = Buffer.alloc(61 + body.length);
  bytes.writeBigInt64BE(BigInt(first), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(magic, 16);
  bytes.writeInt16BE(isControl ? 0x20 : 0, 21);
  bytes.writeInt32BE(lastDelta, 23);
  bytes.write(body, 61);
  return bytes;
}

const decodeBatch: BatchDecoder = (bytes) => {
  const body = bytes.toString("utf8", 61);
  if (body === "?") return Promise.reject(new Error("bad snappy"));
  const offsets = body === "" ? [] : body.split(",");
  return Promise.resolve(offsets.map((offset) => ({
    offset,
    timestamp: "1000",
    key: null,
    value: Buffer.from(offset),
  })));
};

async function decode(from: number, ...batches: Buffer[]) {
  const raw = {
    topic: "t",
    errorCode: 0,
    highWatermark: 100,
    batches: Buffer.concat(batches),
  };
  const { records, gaps, nextOffset } = await decodeTopic(
    raw,
    from,
    decodeBatch,
  );
  return { offsets: records.map((r) => r.offset), gaps, nextOffset };
}

describe("decodeTopic()", () => {
  it("drops what lies below the asked offset, since whole batches come", async () => {
    assert.deepEqual(await decode(3, batch({ first: 0, lastDelta: 4 })), {
      offsets: [3, 4],
      gaps: [],
      nextOffset: 5,
    });
  });

  it("passes over control batches without a gap (transactions looked like lost data)", async () => {
    const answer = await decode(
      0,
      batch({ first: 0, lastDelta: 0 }),
      batch({ first: 1, lastDelta: 0, isControl: true }),
      batch({ first: 2, lastDelta: 1 }),
      batch({ first: 4, lastDelta: 0, isControl: true }),
    );
    assert.deepEqual(answer, { offsets: [0, 2, 3], gaps: [], nextOffset: 5 });
  });

  it("advances past batches that compaction has emptied, and tells what is not there", async () => {
    const answer = await decode(
      0,
      batch({ first: 0, lastDelta: 3, offsets: [] }),
      batch({ first: 6, lastDelta: 3, offsets: [7] }),
    );
    const gap = (from: number, to: number) => ({ from, to, damage: null });
    assert.deepEqual(answer, {
      offsets: [7],
      gaps: [gap(0, 4), gap(4, 6), gap(6, 7), gap(8, 10)],
      nextOffset: 10,
    });
  });

  it("a batch that cannot be decoded costs itself alone", async () => {
    const answer = await decode(
      1,
      batch({ first: 0, lastDelta: 2, isDamaged: true }),
      batch({ first: 3, lastDelta: 1 }),
    );
    assert.deepEqual(answer.offsets, [3, 4]);
    assert.deepEqual(answer.gaps, [{ from: 1, to: 3, damage: "bad snappy" }]);
  });

  it("names a message format that is no longer written", async () => {
    const old = batch({ first: 5, lastDelta: 77, magic: 1 });
    const answer = await decode(5, old, batch({ first: 6, lastDelta: 0 }));
    assert.deepEqual(answer.offsets, [6]);
    assert.match(answer.gaps[0]!.damage!, /format 1/);
  });

  it("leaves a batch that is cut short for the next fetch, at every length", async () => {
    const whole = batch({ first: 0, lastDelta: 1 });
    const second = batch({ first: 2, lastDelta: 1 });
    for (let length = 0; length < second.length; length++) {
      const answer = await decode(0, whole, second.subarray(0, length));
      assert.deepEqual(answer.offsets, [0, 1]);
      assert.equal(answer.nextOffset, 2);
    }
    assert.equal((await decode(0)).nextOffset, -1);
  });

  it("never goes back, whatever a batch's head says", async () => {
    const answer = await decode(
      10,
      batch({ first: 10, lastDelta: -5, offsets: [10] }),
      batch({ first: 3, lastDelta: 2 }),
    );
    assert.deepEqual(answer, { offsets: [10], gaps: [], nextOffset: 11 });
  });
});

describe("splitAnswer()", () => {
  it("reads topics one by one, aborted transactions among them", () => {
    const topic = (name: string, aborted: number, records: string) =>
      Buffer.concat([
        Buffer.from([0, name.length]),
        Buffer.from(name),
        Buffer.from("00000001" + "00000000" + "0003", "hex"),
        Buffer.from("000000000000002a" + "0".repeat(32), "hex"),
        Buffer.from([0, 0, 0, aborted]),
        Buffer.alloc(16 * aborted),
        Buffer.from([0, 0, 0, records.length]),
        Buffer.from(records),
      ]);
    const { errorCode, topics } = splitAnswer(Buffer.concat([
      Buffer.from("00000000" + "0000" + "00000000" + "00000002", "hex"),
      topic("one", 2, "abc"),
      topic("two", 0, ""),
    ]));
    assert.equal(errorCode, 0);
    assert.deepEqual(
      topics.map((t) => [
        t.topic,
        t.errorCode,
        t.highWatermark,
        t.batches.toString(),
      ]),
      [["one", 3, 42, "abc"], ["two", 3, 42, ""]],
    );
  });
});
