// The partitions of /v1/status: how each one that is read is doing.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { PartitionBlocks } from "../../blocks/partition_blocks.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import type { TopicStatus } from "../../source/source.ts";

/** Partitions whose status is made in one part, and the steps that it takes. */
const PARTITIONS_PER_PART = 100;
const STEPS_PER_PART = 300;

/** Counters of a partition, and what they are called in the document. */
const COUNTERS = {
  blocks: "blocks",
  bytes: "bytes",
  bad: "bad",
  late: "late",
  duplicate: "duplicate",
  future: "future",
  tooLarge: "too_large",
  missed: "missed",
  resets: "resets",
  headerHits: "header_hits",
  headerMisses: "header_misses",
} satisfies Record<keyof PartitionBlocks["counters"], string>;
const COUNTER_NAMES = Object.keys(COUNTERS) as (keyof typeof COUNTERS)[];

export interface PartitionStatusOptions {
  readonly store: Pick<BlockStore, "partitions">;
  readonly topics: readonly TopicStatus[];
  readonly gpsMs: number;
}

/** One object for each partition that is read. Times are GPS ns as text, ages seconds. */
export function* partitionStatus(
  { store, topics, gpsMs }: PartitionStatusOptions,
): SlicedWork<readonly Record<string, unknown>[]> {
  const lags = new Map(topics.map((topic) => [topic.topic, lagOf(topic)]));
  const partitions: Record<string, unknown>[] = [];
  for (const { blocks, leases } of store.partitions()) {
    if (partitions.length % PARTITIONS_PER_PART === 0) yield STEPS_PER_PART;
    partitions.push({
      topic: blocks.topic,
      leases,
      lag_messages: lags.get(blocks.topic) ?? null,
      state: stateOf(blocks),
      newest_end_ns: blocks.newest < 0
        ? null
        : String(BigInt(blocks.newest + 1) * blocks.strideNs),
      age_s: blocks.newest < 0
        ? null
        : (gpsMs - (blocks.newest + 1) * blocks.strideMs) / 1000,
      ...countersOf(blocks),
    });
  }
  return partitions;
}

/** Messages in the log that are not read yet; null before that is known. */
function lagOf({ position, lastStableOffset }: TopicStatus): number | null {
  return position < 0 ? null : Math.max(0, lastStableOffset - position);
}

function countersOf(
  { counters }: PartitionBlocks,
): Readonly<Record<string, number>> {
  const named: Record<string, number> = {};
  for (const name of COUNTER_NAMES) named[COUNTERS[name]] = counters[name];
  return named;
}

function stateOf(blocks: PartitionBlocks): string {
  if (blocks.reader.aheadMs > 0) return "future";
  return !blocks.hasCaughtUpOnce ? "starting" : blocks.absent ?? "present";
}
