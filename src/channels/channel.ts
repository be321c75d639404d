// What a channel is. Times are nanoseconds as bigint, rates are Hz.
// Source of the fields: the metadata records Arrakis publishers write (see docs/protocol.md).

import type { ChannelNote } from "./channel_note.ts";

/** All types of samples, by their numpy names, which the metadata of Arrakis have. */
export const DATA_TYPES = [
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float32",
  "float64",
] as const;

/** One of {@linkcode DATA_TYPES}. */
export type DataType = typeof DATA_TYPES[number];

/** Bytes of one sample of each type. */
export const SAMPLE_BYTES: Readonly<Record<DataType, number>> = {
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  float32: 4,
  float64: 8,
};

/** A named series and where its samples are published. */
export interface Channel {
  /** Unique in its context: the live one, or that of a replay. */
  readonly name: string;
  /** Type of each sample. */
  readonly dataType: DataType;
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Who writes it. */
  readonly publisher: string;
  /** Arrakis's partition: a group of channels of one type that share a topic. */
  readonly partitionId: string;
  /** The channel's id in the rows of its partition's messages. */
  readonly partitionIndex: number;
  /** Time span of one block, ns. */
  readonly strideNs: bigint;
  /** The longest time after a block's end within which its publisher promises to send it, ns. */
  readonly maxLatencyNs: bigint;
  /** Replay context, or null for live. */
  readonly replayId: string | null;
  /** What another instance has noted about it. It changes while the channel stays the same: see {@linkcode Catalog.setNote}. */
  note?: ChannelNote | null;
}

/** Whether two records describe the same channel, whatever is noted about it. */
export function isSameChannel(a: Channel, b: Channel): boolean {
  return a.name === b.name && a.replayId === b.replayId &&
    a.dataType === b.dataType && a.sampleRate === b.sampleRate &&
    a.publisher === b.publisher && a.partitionId === b.partitionId &&
    a.partitionIndex === b.partitionIndex && a.strideNs === b.strideNs &&
    a.maxLatencyNs === b.maxLatencyNs;
}

/** Kafka topic that carries a partition's blocks (wire format: `arrakis-[replay-<id>-]<partition>`). */
export function topicOf(
  channel: Pick<Channel, "partitionId" | "replayId">,
): string {
  return channel.replayId === null
    ? `arrakis-${channel.partitionId}`
    : `arrakis-replay-${channel.replayId}-${channel.partitionId}`;
}

/** Samples of one channel in a span; not a whole number if the span is not a multiple of the sample period. */
export function samplesIn(
  channel: Pick<Channel, "sampleRate">,
  spanNs: bigint,
): number {
  return channel.sampleRate * Number(spanNs) / 1e9;
}
