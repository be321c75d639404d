// Channels as relays get them, in JSON: written by the origin, read and checked by the relay.
// Invariant: what is read has the types of a channel; the catalog checks their values.
import { type Channel, DATA_TYPES, topicOf } from "../channels/channel.ts";

/** Longer than any text of a channel that a catalog has. */
const TEXT_CHARS_MAX = 1024;

/** The payload of a frame `channels`. */
export interface TopicText {
  readonly topic: string;
  readonly channels: readonly Record<string, unknown>[];
}

/** All channels of a topic. */
export function topicText(
  topic: string,
  channels: Iterable<Channel>,
): TopicText {
  const list = Array.from(channels, (channel) => ({
    name: channel.name,
    data_type: channel.dataType,
    sample_rate: channel.sampleRate,
    publisher: channel.publisher,
    partition_id: channel.partitionId,
    partition_index: channel.partitionIndex,
    stride_ns: String(channel.strideNs),
    max_latency_ns: String(channel.maxLatencyNs),
    replay_id: channel.replayId,
  }));
  return { topic, channels: list };
}

/** Throws a TypeError where the text is not of this form. */
export function channelsOfText(
  text: string,
): { readonly topic: string; readonly channels: Channel[] } {
  const { topic, channels } = JSON.parse(text) as Partial<TopicText>;
  const isText = typeof topic === "string" && topic.length <= TEXT_CHARS_MAX;
  if (!isText || !Array.isArray(channels)) {
    throw new TypeError("A frame of channels has no topic or no list");
  }
  return { topic, channels: channels.map((each) => channelOf(each, topic)) };
}

function channelOf(value: Record<string, unknown>, topic: string): Channel {
  const text = (name: string): string => {
    const given = value[name];
    if (typeof given === "string" && given.length <= TEXT_CHARS_MAX) {
      return given;
    }
    throw new TypeError(`A channel of ${topic} has no text '${name}'`);
  };
  const number = (name: string): number => {
    const given = value[name];
    if (typeof given === "number") return given;
    throw new TypeError(`A channel of ${topic} has no number '${name}'`);
  };
  const ns = (name: string): bigint => {
    const given = text(name);
    if (/^\d{1,18}$/.test(given)) return BigInt(given);
    throw new TypeError(`'${name}' of a channel of ${topic} is no time in ns`);
  };
  const dataType = DATA_TYPES.find((type) => type === value.data_type);
  if (dataType === undefined) {
    throw new TypeError(`A channel of ${topic} has an unknown data_type`);
  }
  const channel: Channel = {
    name: text("name"),
    dataType,
    sampleRate: number("sample_rate"),
    publisher: text("publisher"),
    partitionId: text("partition_id"),
    partitionIndex: number("partition_index"),
    strideNs: ns("stride_ns"),
    maxLatencyNs: ns("max_latency_ns"),
    replayId: value.replay_id === null ? null : text("replay_id"),
  };
  if (topicOf(channel) === topic) return channel;
  throw new TypeError(`A channel of ${topic} names another topic`);
}
