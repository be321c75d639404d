import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import { gzipSync } from "node:zlib";
import { registerCodecs } from "../../src/kafka/codecs.ts";
import { batchDecoder } from "../../src/kafka/record_batch.ts";

registerCodecs();

/** Two records, offsets 7 and 9, the second without key and 5 ms later. */
const RECORDS = Buffer.from([
  ...[2 * 10, 0, 0, 0, 2 * 1, 65, 2 * 3, 1, 2, 3, 0],
  ...[2 * 7, 0, 2 * 5, 2 * 2, 1, 2 * 1, 4, 0],
]);

function batch(attributes: number, records: Buffer, count = 2): Buffer {
  const bytes = Buffer.alloc(61 + records.length);
  bytes.writeBigInt64BE(7n, 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(attributes, 21);
  bytes.writeBigInt64BE(1000n, 27);
  bytes.writeBigInt64BE(5000n, 35);
  bytes.writeInt32BE(count, 57);
  records.copy(bytes, 61);
  return bytes;
}

/** A clock that moves by a ms at each look, and by a second while the loop is not ours. */
function newClock() {
  let ms = 0;
  return {
    nowMs: () => ++ms,
    away: () => ms += 1000,
  };
}

describe("batchDecoder()", () => {
  it("reads offsets, times, keys and values", async () => {
    const decode = batchDecoder({ decode: 0, deliver: 0 });
    const [first, second] = await decode(batch(0, RECORDS));
    assert.equal(first!.offset, "7");
    assert.equal(first!.timestamp, "1000");
    assert.deepEqual([...first!.key!], [65]);
    assert.deepEqual([...first!.value!], [1, 2, 3]);
    assert.equal(second!.offset, "9");
    assert.equal(second!.timestamp, "1005");
    assert.equal(second!.key, null);
    assert.deepEqual([...second!.value!], [4]);
  });

  it("takes the broker's time where the batch says so", async () => {
    const decode = batchDecoder({ decode: 0, deliver: 0 });
    for (const record of await decode(batch(0x8, RECORDS))) {
      assert.equal(record.timestamp, "5000");
    }
  });

  it("counts its own time, not the time that others work for it", async () => {
    const time = { decode: 0, deliver: 0 };
    const clock = newClock();
    const decode = batchDecoder(time, clock.nowMs);
    await decode(batch(0, RECORDS));
    assert.equal(time.decode, 0.001);
    const work = decode(batch(1, gzipSync(RECORDS)));
    clock.away();
    assert.equal((await work).length, 2);
    assert.equal(Math.round(time.decode * 1000), 3);
  });

  it("an empty batch, as compaction leaves it, has no records", async () => {
    const decode = batchDecoder({ decode: 0, deliver: 0 });
    assert.deepEqual(await decode(batch(1, Buffer.alloc(0), 0)), []);
  });

  it("throws on records that are cut short", async () => {
    const decode = batchDecoder({ decode: 0, deliver: 0 });
    await assert.rejects(decode(batch(0, RECORDS.subarray(0, 12))));
    await assert.rejects(decode(batch(1, Buffer.from("no gzip"))));
  });
});
