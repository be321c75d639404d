// What --topics says of one Kafka topic: which rows its messages have, and which columns are channels.
// Invariant: rows have a fixed rate, a block is a whole number of rows, a channel has a whole number of samples per row.
import { type Channel, type DataType, topicOf } from "../channels/channel.ts";

/** Units of a time column, ns. */
export const TIME_UNITS_NS = {
  s: 1_000_000_000,
  ms: 1_000_000,
  us: 1000,
  ns: 1,
} as const;
export type TimeUnit = keyof typeof TIME_UNITS_NS;
export const EPOCHS = ["gps", "unix"] as const;
export type Epoch = typeof EPOCHS[number];

/** One channel of a mapped topic. Its number in the list is its `partition_index`. */
export interface MappedChannel {
  readonly column: string;
  readonly name: string;
  /** Hz. */
  readonly sampleRate: number;
  /** Samples in one row: 1 for a column of numbers. */
  readonly rowSamples: number;
}

/** A Kafka topic whose messages are Arrow IPC streams. */
export interface TopicMapping {
  /** The name of the Kafka topic. */
  readonly topic: string;
  readonly publisher: string;
  readonly timeColumn: string;
  readonly unit: TimeUnit;
  readonly epoch: Epoch;
  /** How far a row's time may be from its place in the grid of rows, ns. */
  readonly toleranceNs: number;
  /** Rows per second. */
  readonly rowRate: number;
  /** Rows of one block. */
  readonly blockRows: number;
  /** Time of one block, ns. */
  readonly strideNs: bigint;
  readonly maxLatencyNs: bigint;
  readonly channels: readonly MappedChannel[];
}

/** The partition that holds the channels of one data type: a block has one type. */
export function partitionOf(
  { topic }: Pick<TopicMapping, "topic">,
  dataType: DataType,
): string {
  return `${topic}-${dataType}`;
}

/** The channel that a column is, where its samples have this type. */
export function channelOf(
  mapping: TopicMapping,
  index: number,
  dataType: DataType,
): Channel {
  const { name, sampleRate } = mapping.channels[index]!;
  return {
    name,
    dataType,
    sampleRate,
    publisher: mapping.publisher,
    partitionId: partitionOf(mapping, dataType),
    partitionIndex: index,
    strideNs: mapping.strideNs,
    maxLatencyNs: mapping.maxLatencyNs,
    replayId: null,
  };
}

/** The data topic of one type, as the block store names it. It is no topic of Kafka. */
export function blockTopicOf(
  mapping: TopicMapping,
  dataType: DataType,
): string {
  return topicOf({
    partitionId: partitionOf(mapping, dataType),
    replayId: null,
  });
}
