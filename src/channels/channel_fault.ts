// The limits of one channel, checked before any memory is allocated for it.
// Invariant: a channel without a fault can be read, joined, recorded and encoded with bounded work and memory.
import { SLOT_BYTES_MAX } from "../memory/slab.ts";
import {
  type Channel,
  DATA_TYPES,
  SAMPLE_BYTES,
  samplesIn,
  topicOf,
} from "./channel.ts";
import {
  shownText,
  textFault,
  TOPIC_BYTES_MAX,
  topicPartFault,
} from "./channel_text.ts";

/** Why a channel is refused, as `/metrics` and `/v1/status` name it. */
export const CHANNEL_REFUSALS = [
  "record",
  "name",
  "publisher",
  "partition",
  "type",
  "rate",
  "stride",
  "latency",
  "row",
  "partition-conflict",
  "index-conflict",
  "other-publisher",
  "too-many",
] as const;
/** Why a channel is refused. */
export type ChannelRefusal = typeof CHANNEL_REFUSALS[number];

/** What is wrong with a channel. */
export interface ChannelFault {
  /** One of a fixed list of names. */
  readonly reason: ChannelRefusal;
  /** Says what is wrong, and what would be right. */
  readonly detail: string;
}

/** Block time / stride stays exact: 2^53 strides of 1 ms are 285,000 years. */
export const STRIDE_MIN_NS = 1_000_000n;
export const STRIDE_MAX_NS = 60_000_000_000n;
/** Rows wait for a partition for this time; the page ring rarely holds more. */
export const LATENCY_MAX_NS = 3_600_000_000_000n;
export const INDEX_MAX = 65_535;
/** Most bytes of one channel's samples in one block: a row with them and its framing fits into the largest slot. */
export const CHANNEL_BLOCK_BYTES_MAX = SLOT_BYTES_MAX - 4096;
/** Relative rounding error of a rate that is not a binary fraction, such as 0.1 Hz. */
const ROUNDING = 1e-12;
/** Partitions with this prefix would be read from metadata topics. */
const RESERVED = "metadata-";

/** The fault of a channel, without regard to other channels; null if it has none. Arithmetic only. */
export function channelFault(channel: Channel): ChannelFault | null {
  return textsFault(channel) ?? partitionFault(channel) ?? sizeFault(channel);
}

function textsFault(channel: Channel): ChannelFault | null {
  const name = textFault(channel.name);
  if (name !== null) return { reason: "name", detail: `name ${name}` };
  const publisher = textFault(channel.publisher);
  if (publisher === null) return null;
  return { reason: "publisher", detail: `publisher ${publisher}` };
}

function partitionFault(channel: Channel): ChannelFault | null {
  const bad = (detail: string): ChannelFault => ({
    reason: "partition",
    detail,
  });
  const { partitionId, replayId, partitionIndex } = channel;
  const partition = topicPartFault(partitionId);
  if (partition !== null) return bad(`partition_id ${partition}`);
  const replay = replayId === null ? null : topicPartFault(replayId);
  if (replay !== null) return bad(`replay_id ${replay}`);
  if (replayId === null && partitionId.startsWith(RESERVED)) {
    return bad(`partition_id must not begin with '${RESERVED}'`);
  }
  const topic = topicOf(channel);
  if (topic.length > TOPIC_BYTES_MAX) {
    return bad(
      `its topic's name would have ${topic.length} characters, at most ${TOPIC_BYTES_MAX} are allowed`,
    );
  }
  if (
    Number.isInteger(partitionIndex) && partitionIndex >= 0 &&
    partitionIndex <= INDEX_MAX
  ) return null;
  return bad(`partition_index must be a whole number from 0 to ${INDEX_MAX}`);
}

function sizeFault(channel: Channel): ChannelFault | null {
  const { dataType, sampleRate, strideNs, maxLatencyNs } = channel;
  if (!DATA_TYPES.includes(dataType)) {
    const known = DATA_TYPES.join(", ");
    const given = shownText(dataType);
    return {
      reason: "type",
      detail: `data_type must be one of ${known}, not '${given}'`,
    };
  }
  if (!(sampleRate > 0 && sampleRate < Infinity)) {
    return { reason: "rate", detail: "sample_rate must be a number above 0" };
  }
  if (strideNs < STRIDE_MIN_NS || strideNs > STRIDE_MAX_NS) {
    return {
      reason: "stride",
      detail:
        `stride must be from ${STRIDE_MIN_NS} ns (1 ms) to ${STRIDE_MAX_NS} ns (60 s), not ${strideNs} ns`,
    };
  }
  if (maxLatencyNs < 0n || maxLatencyNs > LATENCY_MAX_NS) {
    return {
      reason: "latency",
      detail:
        `max_latency must be from 0 to ${LATENCY_MAX_NS} ns (1 h), not ${maxLatencyNs} ns`,
    };
  }
  const samples = samplesIn(channel, strideNs);
  const bytes = samples * SAMPLE_BYTES[dataType];
  if (bytes > CHANNEL_BLOCK_BYTES_MAX) {
    return {
      reason: "row",
      detail:
        `sample_rate ${sampleRate} Hz in a stride of ${strideNs} ns takes ${bytes} bytes, at most ${CHANNEL_BLOCK_BYTES_MAX} can be sent`,
    };
  }
  const whole = Math.round(samples);
  if (whole >= 1 && Math.abs(samples - whole) <= whole * ROUNDING) return null;
  return {
    reason: "rate",
    detail:
      `sample_rate ${sampleRate} Hz gives ${samples} samples in a stride of ${strideNs} ns, which must be a whole number from 1`,
  };
}
