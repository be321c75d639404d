// Channels as relays get them, in JSON: written by the origin, read and checked by the relay.
// Invariant: what is read has the types of a channel; the catalog checks their values.
import { type Channel, DATA_TYPES, topicOf } from "../channels/channel.ts";
import { type ChannelNote, noteOfJson } from "../channels/channel_note.ts";

/** Longer than any text of a channel that a catalog has. */
const TEXT_CHARS_MAX = 1024;

/** The payload of a frame `channels`. */
export interface TopicText {
  readonly topic: string;
  readonly channels: readonly Record<string, unknown>[];
}

/** All channels of a topic. `noteOf`: what is noted about one, which has been looked up. @default nothing */
export function topicText(
  topic: string,
  channels: Iterable<Channel>,
  noteOf: (channel: Channel) => ChannelNote | null = () => null,
): TopicText {
  /** By note: the place in the list of the channel that has it. */
  const places = new Map<ChannelNote, number>();
  const noted = (note: ChannelNote | null, place: number) => {
    if (note === null) return {};
    const first = places.get(note);
    if (first !== undefined) return { note: first };
    places.set(note, place);
    return { note };
  };
  const list = Array.from(channels, (channel, place) => ({
    name: channel.name,
    data_type: channel.dataType,
    sample_rate: channel.sampleRate,
    publisher: channel.publisher,
    partition_id: channel.partitionId,
    partition_index: channel.partitionIndex,
    stride_ns: String(channel.strideNs),
    max_latency_ns: String(channel.maxLatencyNs),
    replay_id: channel.replayId,
    ...noted(noteOf(channel), place),
  }));
  return { topic, channels: list };
}

/** The topic in a payload without the channels in its list. Throws a TypeError where the text is not of this form. */
export function topicOfText(text: string): string {
  const { topic, channels } = JSON.parse(text) as Partial<TopicText>;
  const isText = typeof topic === "string" && topic.length <= TEXT_CHARS_MAX;
  if (isText && Array.isArray(channels) && channels.length === 0) return topic;
  throw new TypeError("A frame of channels has no topic or no list");
}

/** Throws a TypeError where a channel is not one of the topic. */
export function checkTopic(channel: Channel, topic: string): void {
  if (topicOf(channel) === topic) return;
  throw new TypeError(`A channel of ${topic} names another topic`);
}

/** One of the list, behind those `before` it. Throws a TypeError where the value is not of this form. */
export function channelOf(
  value: Record<string, unknown>,
  before: readonly Channel[] = [],
): Channel {
  const text = (name: string): string => {
    const given = value[name];
    if (typeof given === "string" && given.length <= TEXT_CHARS_MAX) {
      return given;
    }
    throw new TypeError(`A channel has no text '${name}'`);
  };
  const number = (name: string): number => {
    const given = value[name];
    if (typeof given === "number") return given;
    throw new TypeError(`A channel has no number '${name}'`);
  };
  const ns = (name: string): bigint => {
    const given = text(name);
    if (/^\d{1,18}$/.test(given)) return BigInt(given);
    throw new TypeError(`'${name}' of a channel is no time in ns`);
  };
  const dataType = DATA_TYPES.find((type) => type === value.data_type);
  if (dataType === undefined) {
    throw new TypeError("A channel has an unknown data_type");
  }
  // A note that this version cannot show is left out: it is no reason to have no channels.
  const note = typeof value.note === "number"
    ? before[value.note]?.note ?? null
    : noteOfJson(value.note);
  return {
    name: text("name"),
    dataType,
    sampleRate: number("sample_rate"),
    publisher: text("publisher"),
    partitionId: text("partition_id"),
    partitionIndex: number("partition_index"),
    strideNs: ns("stride_ns"),
    maxLatencyNs: ns("max_latency_ns"),
    replayId: value.replay_id === null ? null : text("replay_id"),
    ...(note === null ? {} : { note }),
  };
}
