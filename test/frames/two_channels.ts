// Two channels of one partition, and memory for its blocks: what tests of encoders make rows of.
import { PartitionBlocks } from "../../src/blocks/partition_blocks.ts";
import { topicOf } from "../../src/channels/channel.ts";
import { PageRing } from "../../src/memory/page_ring.ts";
import { aChannel } from "../channels/a_channel.ts";

export const STRIDE_NS = 62_500_000n;

export const channels = [0, 1].map((i) =>
  aChannel({
    name: `H1:A-${i}`,
    dataType: "int16",
    sampleRate: 2048,
    partitionIndex: i,
    strideNs: STRIDE_NS,
  })
);

/** Without a clock: no block is late. */
export function emptyBlocks(): PartitionBlocks {
  return new PartitionBlocks({
    topic: topicOf(channels[0]!),
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    ring: new PageRing(new Uint8Array(1 << 20)),
    futureToleranceMs: 0,
    outageWaitMs: 0,
    outageGraceMs: 0,
    hasClock: false,
  });
}
