// Rows of history, read from the source again. Partitions are joined by read position: a block is missing when its log
// was read far enough beyond it.
// Invariant: memory is bounded (a ring that holds one row's blocks, and about as many bytes read ahead). Rows come in
// increasing order, and a span without blocks is one gap for each reason.
import type { HistoryMessages, HistoryReader } from "../source/source.ts";
import { PageRing } from "../memory/page_ring.ts";
import { AheadFilter } from "./ahead_filter.ts";
import { NOT_HELD } from "./block_index.ts";
import { HistoryBlocks } from "./history_blocks.ts";
import type { HistoryPartition, ReadBlock } from "./history_partition.ts";
import type { GapReason } from "./row_gap.ts";
import { Timeline } from "./timeline.ts";
import type { TopicShape } from "./topic_shape.ts";

export interface HistoryRowsOptions {
  readonly shapes: readonly TopicShape[];
  readonly strideNs: bigint;
  readonly reader: HistoryReader;
  /** Bytes of the ring; about as many may be read ahead. */
  readonly memoryBytes: number;
  /** How far ahead of its production a block may lie, ms. */
  readonly toleranceMs: (shape: TopicShape) => number;
  /** GPS ms now. */
  readonly gpsMs: () => number;
  /** Shared with other readers. @default counters of its own */
  readonly counters?: HistoryCounters;
  readonly onSetAside?: (topic: string, what: SetAside) => void;
}

export type HistoryCounters = ReturnType<typeof newHistoryCounters>;

/** Counters of what history readers read, all 0. */
export function newHistoryCounters() {
  return { blocks: 0, bad: 0, future: 0 };
}

/** Why a message is not in its row: it cannot be read, or was stamped ahead of its production. */
export type SetAside =
  | { readonly kind: "bad"; readonly aheadMs: 0; readonly reason: string }
  | { readonly kind: "future"; readonly aheadMs: number; readonly reason: "" };

/** What comes next. `need`: it is known only after more of these topics is read. `end`: the logs have nothing more. */
export type HistoryStep =
  | { readonly kind: "row" }
  | { readonly kind: "gap"; readonly to: number; readonly reason: GapReason }
  | { readonly kind: "need"; readonly topics: readonly string[] }
  | { readonly kind: "end" };

/** How far the log is read beyond a missing block, which may have been produced late, ms. */
const LATE_MS = 60_000;

const ROW: HistoryStep = { kind: "row" };
const END: HistoryStep = { kind: "end" };

/** The rows of one set of partitions, from some time on. */
export class HistoryRows {
  /** Never advanced: it only gives access to the ring, which holds the row of the last next(). */
  readonly timeline: Timeline;
  readonly counters: HistoryCounters;
  readonly #options: HistoryRowsOptions;
  readonly #reader: HistoryReader;
  readonly #memoryBytes: number;
  readonly #partitions: readonly HistoryPartition[];
  #pendingBytes = 0;
  /** Rows below this were served or skipped. */
  #row = 0;

  constructor(options: HistoryRowsOptions) {
    this.#options = options;
    this.counters = options.counters ?? newHistoryCounters();
    this.#reader = options.reader;
    this.#memoryBytes = options.memoryBytes;
    const ring = new PageRing(new Uint8Array(options.memoryBytes));
    const shapes = [...options.shapes].sort((a, b) =>
      a.topic < b.topic ? -1 : 1
    );
    const partitions = shapes.map((shape) =>
      new HistoryBlocks({
        topic: shape.topic,
        strideNs: shape.strideNs,
        maxLatencyNs: shape.maxLatencyNs,
        ring,
        futureToleranceMs: options.toleranceMs(shape),
      })
    );
    this.timeline = new Timeline(partitions, options.strideNs, 0);
    this.#partitions = partitions.map((blocks, i) =>
      this.#partitionOf(blocks, shapes[i]!, this.timeline.ratios[i]!)
    );
  }

  #partitionOf(
    blocks: HistoryBlocks,
    shape: TopicShape,
    ratio: number,
  ): HistoryPartition {
    const { toleranceMs } = this.#options;
    const filter = new AheadFilter<ReadBlock>({
      toleranceMs: toleranceMs(shape),
      maxLatencyMs: blocks.maxLatencyMs,
      take: (block) => {
        this.#pendingBytes -= block.value.byteLength;
        this.#take(partition, block);
      },
      setAside: ({ index, value }, aheadMs) => {
        this.#pendingBytes -= value.byteLength;
        this.counters.future++;
        blocks.noteAhead(index);
        const what = { kind: "future", aheadMs, reason: "" } as const;
        this.#options.onSetAside?.(blocks.topic, what);
      },
    });
    const partition: HistoryPartition = {
      blocks,
      ratio,
      filter: shape.replayId === null ? filter : null,
      pending: new Map(),
      newest: -1,
      first: Infinity,
      heldTo: -1,
      isAtEnd: false,
      isCut: false,
    };
    return partition;
  }

  /**
   * What comes at `row`, which never goes back. A gap ends at `limit` at the latest. Throws when the blocks of one row
   * do not fit in the ring.
   */
  next(row: number, limit: number): HistoryStep {
    this.#row = row;
    const need: string[] = [];
    let isEmpty = true;
    for (const partition of this.#partitions) {
      const { ratio, blocks, pending } = partition;
      for (let index = row * ratio; index < (row + 1) * ratio; index++) {
        if (blocks.locate(index) >= 0 || pending.has(index)) isEmpty = false;
        else if (!this.#isFinal(partition, index)) {
          need.push(blocks.topic);
          break;
        }
      }
    }
    if (need.length > 0) return { kind: "need", topics: need };
    if (isEmpty) return this.#gap(limit);
    for (const partition of this.#partitions) this.#keep(partition, row);
    return ROW;
  }

  /**
   * Before the first next(): the topics of which more must be read until every block of the rows from `from` to `to` is
   * in memory; none when all are. Null when a block does not come in its time, or they need too much memory.
   */
  unread(from: number, to: number): readonly string[] | null {
    this.#row = from;
    const topics: string[] = [];
    for (const partition of this.#partitions) {
      const { blocks, pending, ratio, newest, isAtEnd } = partition;
      let index = Math.max(partition.heldTo, from * ratio);
      while (index < to * ratio && pending.has(index)) index++;
      partition.heldTo = index;
      if (index >= to * ratio) continue;
      const isLate = (newest - index) * blocks.strideMs > blocks.maxLatencyMs;
      if (isLate || isAtEnd || this.#pendingBytes >= this.#memoryBytes) {
        return null;
      }
      topics.push(blocks.topic);
    }
    return topics;
  }

  /** Reads more of some topics. */
  async read(topics: readonly string[]): Promise<void> {
    for (const answer of await this.#reader.read(topics)) {
      const partition = this.#partitions.find((p) =>
        p.blocks.topic === answer.topic
      );
      if (!partition) continue;
      partition.isAtEnd = answer.isAtEnd;
      partition.isCut ||= answer.isCut;
      for (const message of answer.messages) this.#add(partition, message);
      if (answer.isAtEnd) partition.filter?.end(this.#latestMs(partition));
    }
  }

  close(): void {
    this.#reader.close();
  }

  /** The gap that begins at the current row; `need` until the logs have been read far enough to know its end. */
  #gap(limit: number): HistoryStep {
    let next = Infinity;
    for (const { pending, ratio } of this.#partitions) {
      for (const index of pending.keys()) {
        next = Math.min(next, Math.floor(index / ratio));
      }
    }
    const to = Math.min(next, limit);
    const open = this.#partitions.filter((p) =>
      !this.#isFinal(p, to === Infinity ? Infinity : to * p.ratio - 1)
    );
    if (open.length > 0) {
      return { kind: "need", topics: open.map((p) => p.blocks.topic) };
    }
    if (next === Infinity) return END;
    return this.#gapTo(to);
  }

  /** The gap up to a row at most: it ends where its reason changes. */
  #gapTo(to: number): HistoryStep {
    const isCut = this.#partitions.some((p) =>
      p.isCut && to * p.ratio <= p.first
    );
    if (isCut) return { kind: "gap", to, reason: "retention" };
    const ahead = new Set<number>();
    for (const { blocks, ratio } of this.#partitions) {
      for (const index of blocks.ahead) ahead.add(Math.floor(index / ratio));
    }
    let end = this.#row;
    while (end < to && ahead.has(end)) end++;
    if (end > this.#row) return { kind: "gap", to: end, reason: "future" };
    end = to;
    for (const row of ahead) {
      if (row > this.#row && row < end) end = row;
    }
    return { kind: "gap", to: end, reason: "missing" };
  }

  #latestMs({ blocks }: HistoryPartition): number {
    return this.#options.gpsMs() + blocks.futureToleranceMs;
  }

  /** Whether a block that has not been read will not come any more. */
  #isFinal(partition: HistoryPartition, index: number): boolean {
    const { blocks, newest, isAtEnd } = partition;
    if (isAtEnd) return true;
    if (newest <= index) return false;
    const lateMs = Math.max(LATE_MS, blocks.maxLatencyMs);
    return (newest - index) * blocks.strideMs > lateMs ||
      this.#pendingBytes >= this.#memoryBytes;
  }

  /** Adds what was read. */
  #add(
    partition: HistoryPartition,
    { value, timestampMs }: HistoryMessages["messages"][number],
  ): void {
    const { blocks, filter } = partition;
    const index = blocks.reader.indexOf(value, NaN);
    if (index < 0) {
      this.counters.bad++;
      const reason = blocks.reader.lastBadReason;
      const what = { kind: "bad", aheadMs: 0, reason } as const;
      this.#options.onSetAside?.(blocks.topic, what);
      return;
    }
    const startMs = index * blocks.strideMs;
    const block = { index, value, startMs, timestampMs };
    if (filter === null) return this.#take(partition, block);
    this.#pendingBytes += value.byteLength;
    filter.add(block);
  }

  /** Keeps a block, unless its row was served before. Of two with the same index, the first one stays. */
  #take(partition: HistoryPartition, { index, value }: ReadBlock): void {
    const { blocks, pending, ratio } = partition;
    partition.newest = Math.max(partition.newest, index);
    partition.first = Math.min(partition.first, index);
    if (index < this.#row * ratio || pending.has(index)) return;
    if (blocks.locate(index) >= 0) return;
    pending.set(index, value);
    this.#pendingBytes += value.byteLength;
    this.counters.blocks++;
  }

  /** Writes a partition's blocks of a row into the ring. */
  #keep({ blocks, pending, ratio }: HistoryPartition, row: number): void {
    for (let index = row * ratio; index < (row + 1) * ratio; index++) {
      const found = pending.get(index);
      if (found === undefined) continue;
      pending.delete(index);
      this.#pendingBytes -= found.byteLength;
      blocks.append(found, NaN);
    }
    for (const partition of this.#partitions) {
      const first = row * partition.ratio;
      for (let index = first; index < first + partition.ratio; index++) {
        if (partition.blocks.locate(index) !== NOT_HELD) continue;
        throw new Error(
          `The blocks of one row do not fit in ${this.#memoryBytes} bytes; raise --history-mb`,
        );
      }
    }
  }
}
