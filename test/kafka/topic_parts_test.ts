import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { describe, it } from "@std/testing/bdd";
import type { RawTopic } from "../../src/kafka/fetch_answer.ts";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import { SLICE_COST } from "../../src/kafka/loop_slices.ts";
import {
  type FetchedTopic,
  type Gap,
  PART_RECORDS,
  TopicParts,
} from "../../src/kafka/topic_parts.ts";
import {
  batchBytes,
  type BatchMade,
  newWork,
  rawTopic,
  recordBytes,
  Rounds,
  varint,
} from "./batches.ts";

async function partsOf(
  raw: RawTopic,
  from: number,
  work = newWork(),
): Promise<FetchedTopic[]> {
  const parts = new TopicParts(raw, from, work);
  const made: FetchedTopic[] = [];
  for (let part; (part = await parts.next());) made.push(part);
  assert.equal(work.room.heldBytes, 0, "all room is released");
  return made;
}

async function decodeRaw(from: number, raw: RawTopic) {
  const parts = await partsOf(raw, from);
  assert.deepEqual(
    parts.map((p) => p.isLast).slice(0, -1).includes(true),
    false,
  );
  return {
    offsets: parts.flatMap((p) => p.records.map((r) => r.offset)),
    gaps: parts.flatMap((p) => p.gaps),
    nextOffset: parts.at(-1)!.nextOffset,
  };
}

const decode = (from: number, ...batches: BatchMade[]) =>
  decodeRaw(from, rawTopic(batches.map(batchBytes)));

describe("TopicParts", () => {
  it("drops records below the requested offset, since whole batches come", async () => {
    assert.deepEqual(await decode(3, { first: 0, lastDelta: 4 }), {
      offsets: [3, 4],
      gaps: [],
      nextOffset: 5,
    });
  });

  it("skips control batches without a gap (transactions looked like lost data)", async () => {
    const answer = await decode(
      0,
      { first: 0, lastDelta: 0 },
      { first: 1, lastDelta: 0, marker: "commit" },
      { first: 2, lastDelta: 1 },
      { first: 4, lastDelta: 0, marker: "commit" },
    );
    assert.deepEqual(answer, { offsets: [0, 2, 3], gaps: [], nextOffset: 5 });
  });

  it("advances past batches that compaction has emptied, and reports the missing offsets", async () => {
    const answer = await decode(
      0,
      { first: 0, lastDelta: 3, offsets: [] },
      { first: 6, lastDelta: 3, offsets: [7] },
    );
    const gap = (from: number, to: number): Gap => ({ from, to, damage: null });
    assert.deepEqual(answer, {
      offsets: [7],
      gaps: [gap(0, 4), gap(4, 6), gap(6, 7), gap(8, 10)],
      nextOffset: 10,
    });
  });

  it("a batch that cannot be decoded costs itself alone", async () => {
    const answer = await decode(
      1,
      { first: 0, lastDelta: 2, body: Buffer.from("?"), count: 3 },
      { first: 3, lastDelta: 1 },
    );
    assert.deepEqual(answer.offsets, [3, 4]);
    const [{ from, to, damage }] = answer.gaps as [Gap];
    assert.deepEqual([from, to], [1, 3]);
    assert.match(damage!, /3 records do not fit in 1 bytes/);
  });

  it("loses only the rest of its batch after a damaged record", async () => {
    const body = Buffer.from([
      ...recordBytes({ offsetDelta: 0 }),
      ...recordBytes({ offsetDelta: 9 }), // not in its batch
    ]);
    const answer = await decode(0, { first: 0, lastDelta: 1, body, count: 2 }, {
      first: 2,
      lastDelta: 0,
    });
    assert.deepEqual(answer.offsets, [0, 2]);
    assert.match(answer.gaps[0]!.damage!, /offset 9 is not in its batch/);
  });

  it("names a message format that is no longer written", async () => {
    const answer = await decode(5, { first: 5, lastDelta: 77, magic: 1 }, {
      first: 6,
      lastDelta: 0,
    });
    assert.deepEqual(answer.offsets, [6]);
    assert.match(answer.gaps[0]!.damage!, /format 1/);
  });

  it("leaves a batch that is cut short for the next fetch, at every length", async () => {
    const whole = batchBytes({ first: 0, lastDelta: 1 });
    const second = batchBytes({ first: 2, lastDelta: 1 });
    for (let length = 0; length < second.length; length++) {
      const raw = rawTopic([whole, second.subarray(0, length)]);
      const answer = await decodeRaw(0, raw);
      assert.deepEqual(answer.offsets, [0, 1]);
      assert.equal(answer.nextOffset, 2);
    }
    assert.equal((await decode(0)).nextOffset, -1);
  });

  it("never goes back, whatever a batch's head claims", async () => {
    const answer = await decode(
      10,
      { first: 10, lastDelta: -5, offsets: [10] },
      { first: 3, lastDelta: 2 },
    );
    assert.deepEqual(answer, { offsets: [10], gaps: [], nextOffset: 11 });
  });

  it("refuses more records than are taken, by the batch's own claim", async () => {
    for (const count of [500_001, 0x7fffffff, -1]) {
      const answer = await decode(0, { first: 0, lastDelta: 0, count });
      assert.match(answer.gaps[0]!.damage!, new RegExp(`${count} records in`));
    }
  });
});

describe("TopicParts and transactions", () => {
  const tx = (first: number, producerId: number): BatchMade => ({
    first,
    lastDelta: 0,
    producerId,
    isTransactional: true,
  });
  const end = (
    first: number,
    producerId: number,
    marker: "abort" | "commit",
  ): BatchMade => ({ first, lastDelta: 0, producerId, marker });
  const read = async (
    from: number,
    aborted: [number, number][],
    ...batches: BatchMade[]
  ) => {
    const raw = rawTopic(batches.map(batchBytes), {}, aborted);
    const answer = await decodeRaw(from, raw);
    assert.deepEqual(answer.gaps, [], "aborted records are no holes");
    assert.equal(answer.nextOffset, batches.at(-1)!.first + 1);
    return answer.offsets;
  };

  it("drops an aborted transaction between committed and plain ones (aborted rows were served)", async () => {
    const offsets = await read(
      0,
      [[7, 1]],
      { first: 0, lastDelta: 0 },
      tx(1, 7),
      tx(2, 8), // interleaved, committed
      { first: 3, lastDelta: 0 },
      tx(4, 7),
      end(5, 8, "commit"),
      end(6, 7, "abort"),
      tx(7, 7), // the same producer's next transaction
      end(8, 7, "commit"),
    );
    assert.deepEqual(offsets, [0, 2, 3, 7]);
  });

  it("drops several of one producer, whatever their order in the list", async () => {
    const offsets = await read(
      0,
      [[7, 4], [7, 0]],
      tx(0, 7),
      end(1, 7, "abort"),
      tx(2, 7),
      end(3, 7, "commit"),
      tx(4, 7),
      end(5, 7, "abort"),
    );
    assert.deepEqual(offsets, [2]);
  });

  it("recognizes a transaction that began before the requested offset", async () => {
    const offsets = await read(
      3,
      [[7, 0]],
      tx(3, 7),
      end(4, 7, "abort"),
      tx(5, 7),
    );
    assert.deepEqual(offsets, [5]);
  });

  it("keeps records that the producer of an aborted transaction wrote outside of it", async () => {
    assert.deepEqual(
      await read(0, [[7, 1]], { first: 0, lastDelta: 0, producerId: 7 }, {
        first: 1,
        lastDelta: 0,
        producerId: 7,
      }),
      [0, 1],
    );
  });

  it("reads a list as long as an answer in slices", async () => {
    const rounds = new Rounds();
    const work = new KafkaWork({ slices: rounds.slices });
    const aborted = Array.from(
      { length: 100_000 },
      (_, i) => [i, 0] as [number, number],
    );
    await rounds.until(partsOf(rawTopic([], {}, aborted), 0, work));
    assert.ok(rounds.slices.turns >= 7, `${rounds.slices.turns} turns`);
    assert.ok(rounds.slices.peakCost <= SLICE_COST + 1000);
  });
});

describe("TopicParts in slices", () => {
  /** Two million records took one go of 2.6 s. */
  const TINY = 200_000;

  function tinyBatch(): Buffer {
    const bytes: number[] = [];
    for (let i = 0; i < TINY; i++) {
      for (const byte of recordBytes({ offsetDelta: i })) bytes.push(byte);
    }
    const body = gzipSync(Buffer.from(bytes));
    return batchBytes({
      first: 0,
      lastDelta: TINY - 1,
      codec: 1,
      body,
      count: TINY,
    });
  }

  it("a batch of many records comes in parts, each of a bounded size, in order and each once", async () => {
    const rounds = new Rounds();
    const work = new KafkaWork({ slices: rounds.slices });
    const parts = await rounds.until(
      partsOf(rawTopic([tinyBatch()]), 0, work),
    );
    let expected = 0;
    for (const part of parts) {
      assert.ok(part.records.length <= PART_RECORDS);
      for (const { offset } of part.records) assert.equal(offset, expected++);
      assert.equal(part.nextOffset, expected);
    }
    assert.equal(expected, TINY);
    assert.equal(parts.filter((p) => p.isLast).length, 1);
    const { peakCost, turns } = rounds.slices;
    assert.ok(peakCost <= SLICE_COST + 1_000_000, `a slice cost ${peakCost}`);
    assert.ok(turns * SLICE_COST >= TINY * 300 - SLICE_COST, `${turns} turns`);
  });

  it("values of more than a part's bytes end it", async () => {
    // Length, attributes, time, offset, key, then the value's length.
    const record = (offsetDelta: number) =>
      Buffer.concat([
        Buffer.from([...varint(700_008), 0, 0, ...varint(offsetDelta), 1]),
        Buffer.from(varint(700_000)),
        Buffer.alloc(700_000 + 1),
      ]);
    const body = Buffer.concat([0, 1, 2, 3].map(record));
    const parts = await partsOf(
      rawTopic([batchBytes({ first: 0, lastDelta: 3, body, count: 4 })]),
      0,
    );
    assert.deepEqual(parts.map((p) => p.records.length), [2, 2, 0]);
  });

  it("releases its memory when it is closed in the middle of a batch", async () => {
    const work = newWork();
    const parts = new TopicParts(rawTopic([tinyBatch()]), 0, work);
    await parts.next();
    assert.ok(work.room.heldBytes >= 7 * TINY);
    parts.close();
    assert.equal(work.room.heldBytes, 0);
    assert.equal(await parts.next(), null);
  });

  it("waits for memory, and releases it when it was closed in the meantime", async () => {
    const limit = 64 * 1024 * 1024;
    const work = new KafkaWork({ expandedBytesMax: limit });
    await work.room.reserve(limit);
    const parts = new TopicParts(rawTopic([tinyBatch()]), 0, work);
    const waiting = parts.next();
    parts.close();
    work.room.release(limit);
    assert.deepEqual((await waiting)!.records, []);
    assert.equal(work.room.heldBytes, 0);
  });
});
