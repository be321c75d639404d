// The history of the embedded source: makes older blocks again, at the pace of its reader.
// Invariant: it reaches back HISTORY_MAX_MS, as if a log had that retention, so that users see what retention does.
import { unixMsOfGpsMs } from "../blocks/gps_time.ts";
import { indexAt } from "./due_blocks.ts";
import type { EmbeddedBlocks } from "./embedded_blocks.ts";
import type { HistoryMessages, HistoryReader, HistoryTopic } from "./source.ts";

const HISTORY_MAX_MS = 3_600_000;
/** The most blocks of a topic in one read. */
const READ_BLOCKS_MAX = 16;

interface Reading {
  readonly strideNs: bigint;
  /** Index of the next block. */
  next: number;
  readonly isCut: boolean;
}

/** Index of the oldest block that a history has. */
export function oldestIndex(strideNs: bigint, nowGpsNs: bigint): number {
  return indexAt(strideNs, Number(nowGpsNs) / 1e6 - HISTORY_MAX_MS);
}

export class EmbeddedHistory implements HistoryReader {
  readonly #blocks: EmbeddedBlocks;
  readonly #nowGpsNs: () => bigint;
  readonly #readings = new Map<string, Reading>();

  constructor(
    blocks: EmbeddedBlocks,
    nowGpsNs: () => bigint,
    topics: readonly HistoryTopic[],
  ) {
    this.#blocks = blocks;
    this.#nowGpsNs = nowGpsNs;
    const oldestMs = Number(nowGpsNs()) / 1e6 - HISTORY_MAX_MS;
    for (const { topic, fromMs } of topics) {
      const strideNs = blocks.strideNs(topic);
      if (strideNs === undefined) continue;
      const next = indexAt(strideNs, Math.max(fromMs, oldestMs));
      this.#readings.set(topic, { strideNs, next, isCut: fromMs < oldestMs });
    }
  }

  read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    return Promise.resolve(topics.map((topic) => this.#readTopic(topic)));
  }

  #readTopic(topic: string): HistoryMessages {
    const reading = this.#readings.get(topic);
    if (!reading) return { topic, messages: [], isAtEnd: true, isCut: false };
    const { strideNs, isCut } = reading;
    const end = Number(this.#nowGpsNs() / strideNs);
    const to = Math.min(end, reading.next + READ_BLOCKS_MAX);
    const messages = [];
    for (; reading.next < to; reading.next++) {
      messages.push({
        value: this.#blocks.blockOf(topic, reading.next),
        timestampMs: unixMsOfGpsMs(
          Number(BigInt(reading.next + 1) * strideNs) / 1e6,
        ),
      });
    }
    return { topic, messages, isAtEnd: reading.next >= end, isCut };
  }

  close(): void {}
}
