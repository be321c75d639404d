// Random logs, read as a history reads them, against a reference that looks at the whole log at once.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import type { TopicShape } from "../../src/blocks/topic_shape.ts";
import { unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import { HistoryRows } from "../../src/blocks/history_rows.ts";
import { rowStrideOf } from "../../src/blocks/row_stride.ts";
import type {
  HistoryMessages,
  HistoryReader,
} from "../../src/source/source.ts";

const SCHEDULES = 300;
const START_MS = 1_000_000_000_000;
const STRIDES_NS = [62_500_000n, 125_000_000n, 250_000_000n];

interface Logged {
  readonly index: number;
  readonly value: Uint8Array;
  /** When it was produced, and when by its publisher's clock. */
  readonly producedMs: number;
  readonly timestampMs: number;
}

/** A publisher's clock: right, a little slow, hours off, and set while it publishes. */
const CLOCKS: readonly ((ms: number) => number)[] = [
  () => 0,
  () => -200,
  () => -3_600_000,
  () => 3_600_000,
  (ms) => ms < 6000 ? 3_600_000 : 0,
  (ms) => ms < 6000 ? -200 : 3_600_000,
];

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () =>
    (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** Hands out a log a few messages at a time, from the first that was produced at or after a time. */
class LogReader implements HistoryReader {
  reads = 0;
  isClosed = false;
  readonly #logs: ReadonlyMap<string, readonly Logged[]>;
  readonly #next = new Map<string, number>();
  readonly #chunk: number;
  readonly #isCut: boolean;

  constructor(
    logs: ReadonlyMap<string, readonly Logged[]>,
    fromMs: number,
    chunk: number,
    isCut = false,
  ) {
    this.#logs = logs;
    this.#chunk = chunk;
    this.#isCut = isCut;
    for (const [topic, log] of logs) {
      const first = log.findIndex((m) => m.producedMs >= fromMs);
      this.#next.set(topic, first < 0 ? log.length : first);
    }
  }

  read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    this.reads++;
    return Promise.resolve(topics.map((topic) => {
      const log = this.#logs.get(topic)!;
      const from = this.#next.get(topic)!;
      const to = Math.min(log.length, from + this.#chunk);
      this.#next.set(topic, to);
      return {
        topic,
        messages: log.slice(from, to),
        isAtEnd: to === log.length,
        isCut: this.#isCut,
      };
    }));
  }

  close(): void {
    this.isClosed = true;
  }
}

function shapeOf(topic: string, strideNs: bigint): TopicShape {
  return { topic, strideNs, maxLatencyNs: 1_000_000_000n, replayId: null };
}

function blockOf(index: number, strideNs: bigint): Uint8Array {
  const samples = Int16Array.of(index % 1000);
  return encodeBlock(BigInt(index) * strideNs, "int16", [0], [samples]);
}

/** `row`, or `from-to reason` for a gap; `short` rows lack a block. */
async function told(
  past: HistoryRows,
  from: number,
  to: number,
): Promise<{ rows: number[]; short: Set<number>; gaps: string[] }> {
  const rows: number[] = [];
  const short = new Set<number>();
  const gaps: string[] = [];
  for (let row = from; row < to;) {
    const step = past.next(row, to);
    if (step.kind === "need") await past.read(step.topics);
    else if (step.kind === "row") {
      if (past.timeline.isShort(row)) short.add(row);
      rows.push(row++);
    } else if (step.kind === "gap") {
      gaps.push(`${row}-${step.to} ${step.reason}`);
      row = step.to;
    } else {
      gaps.push(`${row}-${to} end`);
      break;
    }
  }
  return { rows, short, gaps };
}

function schedule(seed: number) {
  const random = generator(seed);
  const count = 1 + Math.floor(random() * 4);
  const logs = new Map<string, Logged[]>();
  const shapes: TopicShape[] = [];
  const published = new Map<string, Set<number>>();
  for (let p = 0; p < count; p++) {
    const strideNs = STRIDES_NS[Math.floor(random() * STRIDES_NS.length)]!;
    const strideMs = Number(strideNs) / 1e6;
    const topic = `arrakis-p${p}`;
    const base = START_MS / strideMs;
    const blocks: Logged[] = [];
    const has = new Set<number>();
    const clock = CLOCKS[Math.floor(random() * CLOCKS.length)]!;
    let silentTo = -1;
    for (let i = 0; i < 12_000 / strideMs; i++) {
      if (random() < 0.01) silentTo = i + Math.floor(random() * 40);
      if (i < silentTo || random() < 0.03) continue;
      const index = base + i;
      const delayMs = random() < 0.05 ? random() * 20_000 : random() * 50;
      const atMs = (index + 1) * strideMs + delayMs;
      const producedMs = unixMsOfGpsMs(atMs);
      const timestampMs = producedMs + clock(atMs - START_MS);
      const times = random() < 0.03 ? 2 : 1;
      for (let k = 0; k < times; k++) {
        const value = blockOf(index, strideNs);
        blocks.push({ index, value, producedMs, timestampMs });
      }
      has.add(index);
      if (random() < 0.005) {
        // A wrong clock: far ahead of its production.
        const wrong = index + Math.round(90_000 / strideMs);
        const value = blockOf(wrong, strideNs);
        blocks.push({ index: wrong, value, producedMs, timestampMs });
      }
    }
    // As a broker keeps them: in the order of production.
    blocks.sort((a, b) => a.producedMs - b.producedMs);
    logs.set(topic, blocks);
    published.set(topic, has);
    shapes.push(shapeOf(topic, strideNs));
  }
  return { logs, shapes, published, chunk: 1 + Math.floor(random() * 40) };
}

describe("HistoryRows", () => {
  it(`gives each block once, in its row, and reports each gap (${SCHEDULES} logs)`, async () => {
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const { logs, shapes, published, chunk } = schedule(seed);
      const strideNs = rowStrideOf(shapes.map((s) => s.strideNs));
      const strideMs = Number(strideNs) / 1e6;
      const from = START_MS / strideMs + 8;
      const to = from + Math.floor(10_000 / strideMs);
      const fromMs = unixMsOfGpsMs(from * strideMs) - 500;
      const reader = new LogReader(logs, fromMs, chunk);
      const past = new HistoryRows({
        shapes,
        strideNs,
        reader,
        memoryBytes: 1 << 20,
        toleranceMs: () => 500,
        gpsMs: () => START_MS + 12_500,
      });
      const { rows, short, gaps } = await told(past, from, to);
      const expected: number[] = [];
      const expectedShort: number[] = [];
      for (let row = from; row < to; row++) {
        const blocks = shapes.flatMap((shape) => {
          const ratio = Number(strideNs / shape.strideNs);
          return Array.from(
            { length: ratio },
            (_, k) => published.get(shape.topic)!.has(row * ratio + k),
          );
        });
        if (blocks.some((b) => b)) expected.push(row);
        if (blocks.some((b) => b) && blocks.some((b) => !b)) {
          expectedShort.push(row);
        }
      }
      assert.deepEqual(rows, expected, `seed ${seed}`);
      assert.deepEqual([...short], expectedShort, `seed ${seed}`);
      let covered = rows.length;
      for (const gap of gaps) {
        const [span] = gap.split(" ");
        const [a, b] = span!.split("-").map(Number);
        covered += b! - a!;
      }
      assert.equal(covered, to - from, `seed ${seed}: ${gaps}`);
      past.close();
      assert.ok(reader.isClosed);
    }
  });

  it("reports what the log no longer holds as one gap of reason retention", async () => {
    const strideNs = STRIDES_NS[0]!;
    const first = START_MS / 62.5;
    const log = Array.from({ length: 100 }, (_, i) => {
      const index = first + 50 + i;
      const timestampMs = unixMsOfGpsMs((index + 1) * 62.5);
      const value = blockOf(index, strideNs);
      return { index, value, producedMs: timestampMs, timestampMs };
    });
    const logs = new Map([["arrakis-p0", log]]);
    const past = new HistoryRows({
      shapes: [shapeOf("arrakis-p0", strideNs)],
      strideNs,
      reader: new LogReader(logs, 0, 7, true),
      memoryBytes: 1 << 16,
      toleranceMs: () => 500,
      gpsMs: () => START_MS + 3_600_000,
    });
    const { rows, gaps } = await told(past, first, first + 150);
    assert.deepEqual(gaps, [`${first}-${first + 50} retention`]);
    assert.equal(rows.length, 100);
  });

  it("gives up a late block rather than take back what other rows need", async () => {
    // One partition lacks a block for 59 s; the other's blocks of that time do not fit in the ring.
    const strideNs = STRIDES_NS[0]!;
    const first = START_MS / 62.5;
    const samples = new Int16Array(2000);
    const big = (index: number) => ({
      index,
      value: encodeBlock(BigInt(index) * strideNs, "int16", [0], [samples]),
      producedMs: unixMsOfGpsMs((index + 1) * 62.5),
      timestampMs: unixMsOfGpsMs((index + 1) * 62.5),
    });
    const all = Array.from({ length: 900 }, (_, i) => first + i);
    const logs = new Map([
      ["arrakis-p0", all.filter((i) => i !== first + 3).map(big)],
      ["arrakis-p1", all.map(big)],
    ]);
    const past = new HistoryRows({
      shapes: [
        shapeOf("arrakis-p0", strideNs),
        shapeOf("arrakis-p1", strideNs),
      ],
      strideNs,
      reader: new LogReader(logs, 0, 10),
      memoryBytes: 1 << 19,
      toleranceMs: () => 500,
      gpsMs: () => START_MS + 3_600_000,
    });
    const { rows, short, gaps } = await told(past, first, first + 900);
    assert.deepEqual(rows, all);
    assert.deepEqual([...short], [first + 3]);
    assert.deepEqual(gaps, []);
  });
});
