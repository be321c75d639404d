// Rows of the past, joined by read position: a block is missing when the log was read far enough to know.
// Invariant: bounded memory (one small ring, and at most one answer a partition); rows come in increasing order, and
// each span that has none is one gap.
import type { PastMessages, PastReader } from "../source/source.ts";
import { PageRing } from "../memory/page_ring.ts";
import type { TopicShape } from "./block_store.ts";
import { gpsMsOfUnixMs } from "./gps_time.ts";
import { NONE, PartitionBlocks } from "./partition_blocks.ts";
import { type GapReason, Timeline } from "./timeline.ts";

export interface PastRowsOptions {
  readonly shapes: readonly TopicShape[];
  readonly strideNs: bigint;
  readonly reader: PastReader;
  readonly ringBytes: number;
  /** A block may lie so far ahead of its production, ms, by its stride. */
  readonly toleranceMs: (shape: TopicShape) => number;
}

/** What comes next. `need`: topics to be read on before it can be said. `end`: the logs hold nothing more. */
export type PastStep =
  | { readonly kind: "row" }
  | { readonly kind: "gap"; readonly to: number; readonly reason: GapReason }
  | { readonly kind: "need"; readonly topics: readonly string[] }
  | { readonly kind: "end" };

interface PastPartition {
  readonly blocks: PartitionBlocks;
  readonly ratio: number;
  readonly hasClock: boolean;
  /** Read and not looked at yet. */
  queue: PastMessages["messages"];
  queueAt: number;
  isAtEnd: boolean;
  isCut: boolean;
  /** Index of the first block that was read; Infinity before it. */
  first: number;
  /** Index and ring position of what was stored, oldest first. */
  readonly stored: { index: number; position: number }[];
}

/** How far the log is read on, beyond a missing block, for one that was produced late, ms. */
const LATE_MS = 60_000;

const ROW: PastStep = { kind: "row" };
const END: PastStep = { kind: "end" };

/** The rows of one set of partitions, from some time on. */
export class PastRows {
  /** Never advanced: it only tells what the ring holds. */
  readonly timeline: Timeline;
  readonly counters = { blocks: 0, bad: 0, future: 0 };
  readonly #reader: PastReader;
  readonly #ring: PageRing;
  readonly #partitions: readonly PastPartition[];

  constructor(options: PastRowsOptions) {
    this.#reader = options.reader;
    this.#ring = new PageRing(new Uint8Array(options.ringBytes));
    const shapes = [...options.shapes].sort((a, b) =>
      a.topic < b.topic ? -1 : 1
    );
    const partitions = shapes.map((shape) =>
      new PartitionBlocks({
        topic: shape.topic,
        strideNs: shape.strideNs,
        maxLatencyNs: shape.maxLatencyNs,
        ring: this.#ring,
        futureToleranceMs: options.toleranceMs(shape),
        outageWaitMs: 0,
        hasClock: false,
        isPast: true,
      })
    );
    this.timeline = new Timeline(partitions, options.strideNs, 0);
    this.#partitions = partitions.map((blocks, i) => ({
      blocks,
      ratio: this.timeline.ratios[i]!,
      hasClock: shapes[i]!.replayId === null,
      queue: [],
      queueAt: 0,
      isAtEnd: false,
      isCut: false,
      first: Infinity,
      stored: [],
    }));
  }

  /** What is at `row`. A gap ends at `limit` at the latest. */
  next(row: number, limit: number): PastStep {
    let need: string[] | null = null;
    let isWhole = true;
    for (const partition of this.#partitions) {
      const { ratio, blocks } = partition;
      this.#forget(partition, row * ratio);
      for (let index = row * ratio; index < (row + 1) * ratio; index++) {
        if (this.#find(partition, index, row)) continue;
        if (this.#isFinal(partition, index, row)) isWhole = false;
        else (need ??= []).push(blocks.topic);
        break;
      }
    }
    if (need !== null) return { kind: "need", topics: need };
    if (isWhole || this.timeline.stateOf(row) !== "empty") return ROW;
    return this.#gap(row, limit);
  }

  /** Reads some topics on. */
  async read(topics: readonly string[]): Promise<void> {
    for (const answer of await this.#reader.read(topics)) {
      const partition = this.#partitions.find((p) =>
        p.blocks.topic === answer.topic
      );
      if (!partition) continue;
      // Asked for only when the queue was used up.
      partition.queue = answer.messages;
      partition.queueAt = 0;
      partition.isAtEnd = answer.isAtEnd;
      partition.isCut ||= answer.isCut;
    }
  }

  close(): void {
    this.#reader.close();
  }

  /** The span without rows that begins at `row`, once the log was read far enough to know where it ends. */
  #gap(row: number, limit: number): PastStep {
    const next = this.timeline.nextRow(row);
    const to = Math.min(next, limit);
    const need: string[] = [];
    for (const partition of this.#partitions) {
      const last = to * partition.ratio - 1;
      while (!this.#isFinal(partition, last, row)) {
        if (this.#append(partition)) {
          // Something may lie nearer now.
          if (this.timeline.nextRow(row) < next) return this.#gap(row, limit);
        } else {
          need.push(partition.blocks.topic);
          break;
        }
      }
    }
    if (need.length > 0) return { kind: "need", topics: need };
    if (!(to < Infinity) || next === Infinity && this.#areAllAtEnd()) {
      return END;
    }
    const isCut = this.#partitions.some((p) =>
      p.isCut && to * p.ratio <= p.first
    );
    return {
      kind: "gap",
      to: Math.max(to, row + 1),
      reason: isCut ? "retention" : "missing",
    };
  }

  #areAllAtEnd(): boolean {
    return this.#partitions.every((p) =>
      p.isAtEnd && p.queueAt >= p.queue.length
    );
  }

  /** Whether a block is held, after everything that is needed to know was taken from the queue. */
  #find(partition: PastPartition, index: number, row: number): boolean {
    const { blocks } = partition;
    while (blocks.locate(index) === NONE) {
      if (this.#isFinal(partition, index, row)) return false;
      if (!this.#append(partition)) return false;
    }
    return blocks.locate(index) >= 0;
  }

  /** Whether a block that is not here will not come any more. */
  #isFinal(partition: PastPartition, index: number, row: number): boolean {
    const { blocks, queue, queueAt, isAtEnd } = partition;
    if (blocks.locate(index) !== NONE) return true;
    const isUsedUp = queueAt >= queue.length;
    if (isUsedUp && isAtEnd) return true;
    const lateMs = Math.max(LATE_MS, blocks.maxLatencyMs);
    if ((blocks.newest - index) * blocks.strideMs > lateMs) return true;
    return !isUsedUp && !this.#hasRoom(queue[queueAt]!.value.byteLength, row);
  }

  /** Whether a value fits without taking back what rows from `row` on still need. */
  #hasRoom(byteLength: number, row: number): boolean {
    let oldest = Infinity;
    for (const partition of this.#partitions) {
      this.#forget(partition, row * partition.ratio);
      oldest = Math.min(oldest, partition.stored[0]?.position ?? Infinity);
    }
    if (oldest === Infinity) return true;
    const { headPosition, capacityBytes, pageBytes } = this.#ring;
    // The value's table of channels, the bytes at the buffer's end that a value does not fit in, the open page.
    const needed = 2 * byteLength + 2 * pageBytes;
    return headPosition + needed - oldest <= capacityBytes;
  }

  #forget({ stored }: PastPartition, index: number): void {
    while (stored.length > 0 && stored[0]!.index < index) stored.shift();
  }

  /** Takes the next message from the queue; false when there is none. */
  #append(partition: PastPartition): boolean {
    const { blocks, hasClock } = partition;
    const message = partition.queue[partition.queueAt];
    if (message === undefined) return false;
    partition.queueAt++;
    const nowMs = hasClock ? gpsMsOfUnixMs(message.timestampMs) : NaN;
    const before = this.#ring.headPosition;
    const arrival = blocks.append(message.value, nowMs);
    if (arrival === "bad") this.counters.bad++;
    if (arrival === "future") this.counters.future++;
    if (this.#ring.headPosition === before) return true;
    this.counters.blocks++;
    const index = blocks.lastIndex;
    partition.first = Math.min(partition.first, index);
    partition.stored.push({ index, position: blocks.locate(index) });
    return true;
  }
}
