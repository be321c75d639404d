// Whether the blocks of a channel come in time.
import { type Channel, topicOf } from "../channels/channel.ts";
import type { Source } from "../source/source.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";

/** Whether a partition that is read has delivered, and does so within its latency. */
export function isDelivering({ absent, newest }: PartitionBlocks): boolean {
  return absent === null && newest >= 0;
}

/**
 * Whether a channel's partition is delivering, as this thread has found, or all threads where they share a source. One
 * that nothing reads counts as delivering, unless it is that of a replay.
 */
export function isLive(
  channel: Channel,
  { source: { shared }, store }: {
    readonly source: Pick<Source, "shared">;
    readonly store: { partition(topic: string): PartitionBlocks | undefined };
  },
): boolean {
  const topic = topicOf(channel);
  const blocks = store.partition(topic);
  const found = shared ? shared.isLive(topic) : blocks && isDelivering(blocks);
  return found ?? channel.replayId === null;
}
