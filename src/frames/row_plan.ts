// Where the samples of a selection's rows come from: one column per channel, sorted by name.
// Invariant: a column never changes, and all selections whose rows have its stride share it.
import type { RowColumn } from "../arrow/row_template.ts";
import type { Channel } from "../channels/channel.ts";
import { SAMPLE_BYTES, topicOf } from "../channels/channel.ts";
import { type ChannelEntry, entryOf } from "../blocks/block_record.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { Timeline } from "../blocks/timeline.ts";
import { cached } from "./cached.ts";
import { keyOf } from "./row_size.ts";

/** One channel as the rows of one stride have it. */
export interface Column {
  readonly channel: Channel;
  readonly partition: PartitionBlocks;
  /** Where the channel lies in a block. */
  readonly entry: ChannelEntry;
  /** Blocks per row. */
  readonly ratio: number;
  /** Bytes of the channel's samples in one block. */
  readonly blockBytes: number;
  /** Samples per row. */
  readonly rowSamples: number;
  /** The column in Arrow. */
  readonly field: RowColumn;
  /** `"name":` as UTF-8. */
  readonly key: Uint8Array;
}

/** The columns of all partitions in use. Thousands of selections, each with its own timeline, have the same few. */
export class RowPlans {
  /** By the column's ratio. */
  readonly #columns = new WeakMap<
    PartitionBlocks,
    WeakMap<Channel, Map<number, Column>>
  >();

  /** The columns of `channels` on their timeline. Throws when no partition of the timeline carries one of them. */
  columnsOf(timeline: Timeline, channels: readonly Channel[]): Column[] {
    const byTopic = new Map(timeline.partitions.map((p) => [p.topic, p]));
    return channels.map((channel) => {
      const partition = byTopic.get(topicOf(channel));
      if (!partition) {
        throw new Error(`No partition of the timeline carries ${channel.name}`);
      }
      const ratio = Number(timeline.strideNs / partition.strideNs);
      const channels = cached(this.#columns, partition, () => new WeakMap());
      const columns = cached(channels, channel, () => new Map());
      return cached(columns, ratio, () => columnOf(channel, partition, ratio));
    });
  }
}

function columnOf(
  channel: Channel,
  partition: PartitionBlocks,
  ratio: number,
): Column {
  const { name, dataType, sampleRate } = channel;
  const entry = entryOf(channel);
  const rowSamples = entry.blockSamples * ratio;
  return {
    channel,
    partition,
    entry,
    ratio,
    blockBytes: entry.blockSamples * SAMPLE_BYTES[dataType],
    rowSamples,
    field: {
      name,
      dataType,
      rate: rateText(sampleRate),
      samples: rowSamples,
      parts: ratio,
    },
    key: keyOf(channel),
  };
}

/** The `rate` of a field's metadata, Hz: as Python's str() writes the float. */
export function rateText(sampleRate: number): string {
  return String(sampleRate);
}
