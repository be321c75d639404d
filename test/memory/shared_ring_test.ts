// The shared ring, within one thread and between threads.
// Invariant: a torn copy is never taken for a whole one; and a reader that asks in the wrong order is caught by this test.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  SharedRingReader,
  SharedRingWriter,
} from "../../src/memory/shared_ring.ts";
import type { TornReadsReport } from "./torn_reads.ts";
import { RECORD_BYTES, valueOf } from "./torn_values.ts";

const PAGE_BYTES = 1024;
const RING_BYTES = 8 * PAGE_BYTES;

function write(ring: SharedRingWriter, bytes: number, value: number): number {
  const position = ring.reserve(bytes);
  const at = ring.byteOffset(position);
  ring.bytes.fill(value, at, at + bytes);
  ring.publish();
  return position;
}

describe("a shared ring", () => {
  it("shows its readers what was published, until the page is reused", () => {
    const ring = new SharedRingWriter(RING_BYTES, { pageBytes: PAGE_BYTES });
    const reader = new SharedRingReader(ring.memory());
    const records: { position: number; bytes: number; value: number }[] = [];
    let lost = 0;
    for (let i = 0; i < 2000; i++) {
      const bytes = 64 + (i * 101) % 2000;
      const value = i & 255;
      assert.equal(reader.headPosition % 64, 0);
      const position = write(ring, bytes, value);
      assert.ok(position + bytes <= reader.headPosition);
      records.push({ position, bytes, value });
      for (const record of records) {
        if (!reader.holds(record.position)) {
          lost++;
          continue;
        }
        const at = reader.byteOffset(record.position);
        const part = reader.bytes.subarray(at, at + record.bytes);
        assert.ok(part.every((byte) => byte === record.value));
        reader.copied();
        assert.ok(reader.holds(record.position));
      }
      if (records.length > 100) records.splice(0, 50);
    }
    assert.ok(lost > 1000);
  });

  it("loses no count of its pages while more than it holds is not published", () => {
    const ring = new SharedRingWriter(RING_BYTES, { pageBytes: PAGE_BYTES });
    const reader = new SharedRingReader(ring.memory());
    write(ring, 64, 1);
    let reclaimed = reader.reclaimedPages;
    for (let i = 0; i < 40; i++) {
      ring.reserve(PAGE_BYTES);
      assert.ok(reader.reclaimedPages >= reclaimed, `${reader.reclaimedPages}`);
      assert.ok(
        reader.occupiedBytes >= 0 && reader.occupiedBytes <= RING_BYTES,
      );
      reclaimed = reader.reclaimedPages;
    }
    ring.publish();
    assert.ok(reclaimed > 30 && reader.reclaimedPages === reclaimed);
  });

  it("gives up a page before it is written again", () => {
    const ring = new SharedRingWriter(RING_BYTES, { pageBytes: PAGE_BYTES });
    const reader = new SharedRingReader(ring.memory());
    const first = write(ring, PAGE_BYTES, 1);
    for (let i = 0; i < 7; i++) write(ring, PAGE_BYTES, 2);
    assert.ok(reader.holds(first));
    ring.reserve(64);
    assert.ok(!reader.holds(first));
    assert.equal(reader.bytes[0], 1);
  });

  it("continues when its 32-bit numbers wrap, for old and for new readers", () => {
    const ring = new SharedRingWriter(RING_BYTES, { pageBytes: PAGE_BYTES });
    const old = new SharedRingReader(ring.memory());
    // 2^31 units of 64 bytes are 128 GiB: reserving moves the head without writing.
    const step = RING_BYTES / 2;
    const { control } = ring.memory();
    const steps = 40;
    for (let i = 0; i < steps; i++) ring.reserve(step);
    ring.publish();
    assert.equal(old.headPosition, steps * step);
    const words = new Int32Array(control);
    const before = words.slice();
    // The same distance again, with heads that wrap in between.
    const shift = 0x7fffffff - before[1]! + 10;
    words[1] = (before[1]! + shift) | 0;
    const far = new SharedRingReader({
      ...ring.memory(),
      headPosition: (before[1]! + shift - 100) * 64,
    });
    assert.equal(far.headPosition, (before[1]! + shift) * 64);
    words[0] = -5;
    const page = 2 ** 32 - 5;
    assert.ok(far.holds(page * PAGE_BYTES));
    assert.ok(far.holds((page + 7) * PAGE_BYTES));
    assert.ok(!far.holds((page - 1) * PAGE_BYTES));
  });

  it("wakes a reader that waits", async () => {
    const ring = new SharedRingWriter(RING_BYTES, { pageBytes: PAGE_BYTES });
    const reader = new SharedRingReader(ring.memory());
    // Waiting does not keep a thread alive.
    const alive = setInterval(() => {}, 1000);
    const waiting = reader.moved(reader.headPosition, 60_000);
    write(ring, 100, 1);
    await waiting;
    // Already moved: at once.
    await reader.moved(0, 60_000);
    await reader.moved(reader.headPosition, 1);
    clearInterval(alive);
  });
});

describe("copies of a ring that another thread overwrites", () => {
  const COPIES = 200_000;

  async function tornReads(order: "right" | "wrong"): Promise<TornReadsReport> {
    const worker = new Worker(new URL("./torn_reads.ts", import.meta.url), {
      type: "module",
    });
    const ring = new SharedRingWriter(1024 * 1024, { pageBytes: 65_536 });
    write(ring, RECORD_BYTES, valueOf(0));
    const report = new Promise<TornReadsReport>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    worker.postMessage({ memory: ring.memory(), order, copies: COPIES });
    let isDone = false;
    const found = report.finally(() => isDone = true);
    for (let record = 1; !isDone;) {
      for (let i = 0; i < 64; i++) {
        write(ring, RECORD_BYTES, valueOf(record++));
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    worker.terminate();
    return await found;
  }

  it("are found torn by the second look, every one of them", async () => {
    const { copies, refused, unnoticed } = await tornReads("right");
    assert.equal(copies, COPIES);
    assert.equal(unnoticed, 0);
    assert.ok(refused > 0, "no copy was overwritten: the test shows nothing");
  });

  it("without the second look are torn, as this test finds out", async () => {
    const { unnoticed } = await tornReads("wrong");
    assert.ok(unnoticed > 0);
  });
});
