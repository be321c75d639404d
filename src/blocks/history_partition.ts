// What a history has read of one partition. Data only: HistoryRows writes it.
import type { AheadFilter } from "./ahead_filter.ts";
import type { HistoryBlocks } from "./history_blocks.ts";

/** A block that was read. */
export interface ReadBlock {
  readonly index: number;
  readonly value: Uint8Array;
  readonly startMs: number;
  readonly timestampMs: number;
}

export interface HistoryPartition {
  readonly blocks: HistoryBlocks;
  readonly ratio: number;
  /** Null in a replay, whose time is that of its blocks: there none is ahead. */
  readonly filter: AheadFilter<ReadBlock> | null;
  /** Blocks that were read and are not in the ring yet, by index. */
  readonly pending: Map<number, Uint8Array>;
  /** Highest block index that was read; −1 before the first. */
  newest: number;
  /** Lowest block index that was read; Infinity before the first. */
  first: number;
  /** Block index; all blocks from the first requested one up to it are in memory. Kept by {@linkcode HistoryRows.unread}. */
  heldTo: number;
  isAtEnd: boolean;
  isCut: boolean;
}
