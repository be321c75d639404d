// The oldest block of a history, by what its reader gives first.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { oldestBlockMs } from "../../src/source/oldest_block.ts";
import type { HistoryMessages } from "../../src/source/source.ts";

const block = (timeMs: number) =>
  encodeBlock(BigInt(timeMs) * 1_000_000n, "int8", [0], [Int8Array.of(1)]);
const BAD = new Uint8Array([1, 2, 3]);

async function oldestOf(
  reads: readonly { values: readonly Uint8Array[]; isAtEnd?: boolean }[],
): Promise<number | null> {
  let isClosed = false;
  let next = 0;
  const reader = {
    read: ([topic]: readonly string[]) => {
      const { values, isAtEnd = false } = reads[next++]!;
      const messages = values.map((value) => ({ value, timestampMs: 0 }));
      return Promise.resolve<HistoryMessages[]>([
        { topic: topic!, messages, isAtEnd, isCut: true },
      ]);
    },
    close: () => void (isClosed = true),
  };
  try {
    return await oldestBlockMs(reader, "t");
  } finally {
    assert.ok(isClosed);
  }
}

describe("oldestBlockMs", () => {
  it("is the earliest of the first blocks, as one of them may be late", async () => {
    assert.equal(
      await oldestOf([{ values: [block(2000), block(1000), block(3000)] }]),
      1000,
    );
  });

  it("skips messages that are no blocks, and reads more", async () => {
    assert.equal(
      await oldestOf([{ values: [BAD] }, { values: [] }, {
        values: [BAD, block(7000)],
      }]),
      7000,
    );
  });

  it("is null for an empty log", async () => {
    assert.equal(await oldestOf([{ values: [], isAtEnd: true }]), null);
  });

  it("is an error after four reads without a block", async () => {
    const bad = { values: [BAD] };
    await assert.rejects(
      oldestOf([bad, bad, bad, bad, { values: [block(1)] }]),
      /no block at its beginning/,
    );
  });
});
