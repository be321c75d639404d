// What the newest block of a partition shows about the time.
import type { Witness } from "./gps_clock.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";

/** See {@linkcode Witness}. */
export function witnessOf(
  { newest, strideMs, maxLatencyMs, futureToleranceMs }: PartitionBlocks,
): Witness {
  const startMs = newest * strideMs;
  return {
    startMs,
    endMs: startMs + strideMs,
    toleranceMs: futureToleranceMs,
    ageMsMax: maxLatencyMs + strideMs,
  };
}
