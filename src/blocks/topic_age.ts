// How old the newest data of a topic is. Times are ms.
import type { PartitionBlocks } from "./partition_blocks.ts";

/** Of a topic that is read live. */
export interface TopicAge {
  readonly topic: string;
  /** Whose metadata has its channels; "unknown" where that was not said. */
  readonly publisher: string;
  /** Since the end of its newest block; before the first one, since it has been read. */
  readonly ageMs: number;
  /** An older one is silent. */
  readonly silentAfterMs: number;
}

/** A live topic whose last block ended longer ago than this, beyond its stride and latency, is silent. */
const SILENT_MS = 10_000;

/** From which age on a topic is silent. */
export function silentAfterMs(
  { maxLatencyMs, strideMs }: Pick<
    PartitionBlocks,
    "maxLatencyMs" | "strideMs"
  >,
): number {
  return SILENT_MS + maxLatencyMs + strideMs;
}
