// Decodes a message's layout, checks the time of its block, and computes the block's index.
// Invariant: an index of 0 or more belongs to a block whose time is a multiple of the stride and not in the future.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { BlockCounters } from "./block_counters.ts";

/** Values instead of a block's index: the message cannot be read, or its block begins too far ahead of the clock. */
export const BAD = -1;
export const FUTURE = -2;

export interface BlockReaderOptions {
  readonly strideNs: bigint;
  /** A block that begins later than now plus this is of the future, ms. */
  readonly futureToleranceMs: number;
  readonly counters: BlockCounters;
}

/** The reader of one partition's messages. */
export class BlockReader {
  /** The layout of the message that was read last. */
  readonly layout = newBlockLayout();
  /** How far ahead of the clock the last message of the future was, ms; 0 once a block was stored. */
  aheadMs = 0;
  /** Why the last bad message was refused, for the log. */
  lastBadReason = "";
  readonly #decoder = new BlockDecoder();
  readonly #options: BlockReaderOptions;
  readonly #strideMs: number;

  constructor(options: BlockReaderOptions) {
    this.#options = options;
    this.#strideMs = Number(options.strideNs) / 1e6;
  }

  /** The index of a message's block; or {@linkcode BAD}, or {@linkcode FUTURE} by the time `gpsMs` (never by NaN). */
  indexOf(value: Uint8Array, gpsMs: number): number {
    const { strideNs, futureToleranceMs, counters } = this.#options;
    const layout = this.layout;
    const reason = this.#decoder.decode(value, layout);
    counters.headerHits = this.#decoder.headerCacheHits;
    counters.headerMisses = this.#decoder.headerCacheMisses;
    if (reason !== null) return this.#refuse(reason);
    if (layout.timeNs < 0n || layout.timeNs % strideNs !== 0n) {
      return this.#refuse(
        `time ${layout.timeNs} is not a multiple of the stride`,
      );
    }
    const index = Number(layout.timeNs / strideNs);
    const startMs = index * this.#strideMs;
    if (startMs > gpsMs + futureToleranceMs) {
      counters.future++;
      this.aheadMs = startMs - gpsMs;
      return FUTURE;
    }
    return index;
  }

  #refuse(reason: string): number {
    this.#options.counters.bad++;
    this.lastBadReason = reason;
    return BAD;
  }
}
