// The oldest block that a history gives, by reading its beginning.
// Invariant: the reader is closed, whatever happens.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { HistoryReader } from "./source.ts";

/** Blocks that are compared: a late one may be in the log before an older one. */
const BLOCKS_MAX = 16;
/** Reads until a block is found that can be decoded. */
const READS_MAX = 4;

/**
 * GPS ms at which the oldest block of a topic begins; null where the log is empty. The reader begins at the beginning of
 * the log, and is closed. Rejects where it cannot read, or finds no block that can be decoded.
 */
export async function oldestBlockMs(
  reader: HistoryReader,
  topic: string,
): Promise<number | null> {
  const decoder = new BlockDecoder();
  const layout = newBlockLayout();
  try {
    for (let i = 0; i < READS_MAX; i++) {
      for (const { messages, isAtEnd } of await reader.read([topic])) {
        let oldestMs = Infinity;
        for (const { value } of messages.slice(0, BLOCKS_MAX)) {
          if (decoder.decode(value, layout) !== null) continue;
          oldestMs = Math.min(oldestMs, Number(layout.timeNs) / 1e6);
        }
        if (oldestMs < Infinity) return oldestMs;
        if (isAtEnd) return null;
      }
    }
  } finally {
    reader.close();
  }
  throw new Error(`${topic}: no block at its beginning can be decoded`);
}
