// The shared ring between two threads at full speed: the smallest ring, millions of copies.
// Invariant: no torn copy is taken for a whole one, and a fault in either thread's order is found by this test.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { TornReadsReport } from "../memory/torn_reads.ts";
import type { WritesRequest } from "../memory/torn_writes.ts";
import { say } from "./chain.ts";

const RING_BYTES = 1024 * 1024;
const COPIES = 4_000_000;
/** So many are enough for a fault to show. */
const CONTROL_COPIES = 600_000;

interface Orders {
  readonly writes: WritesRequest["order"];
  readonly reads: "right" | "wrong";
  readonly copies: number;
}

function thread(file: string): Worker {
  return new Worker(new URL(`../memory/${file}`, import.meta.url), {
    type: "module",
  });
}

function answerOf<T>(worker: Worker, request: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(request);
  });
}

async function tornReads(
  { writes, reads, copies }: Orders,
): Promise<TornReadsReport> {
  const writer = thread("torn_writes.ts");
  const reader = thread("torn_reads.ts");
  try {
    const memory = await answerOf(writer, {
      ringBytes: RING_BYTES,
      order: writes,
    });
    return await answerOf(reader, { memory, order: reads, copies });
  } finally {
    reader.terminate();
    writer.terminate();
  }
}

describe("copies of a ring that another thread overwrites at full speed", () => {
  it("are found torn by the second look, every one of them", async () => {
    const { copies, refused, unnoticed } = await tornReads({
      writes: "right",
      reads: "right",
      copies: COPIES,
    });
    say(
      `${copies} copies, ${refused} overwritten meanwhile, ${unnoticed} torn unnoticed`,
    );
    assert.equal(copies, COPIES);
    assert.equal(unnoticed, 0);
    assert.ok(refused > 100, `${refused}: the test shows nothing`);
  });

  for (
    const [fault, orders] of [
      ["no second look", { writes: "right", reads: "wrong" }],
      ["pages given up late", { writes: "late", reads: "right" }],
    ] as const
  ) {
    it(`are torn with ${fault}, as this test finds out`, async () => {
      const { unnoticed } = await tornReads({
        ...orders,
        copies: CONTROL_COPIES,
      });
      say(`${fault}: ${unnoticed} of ${CONTROL_COPIES} torn unnoticed`);
      assert.ok(unnoticed > 0);
    });
  }
});
