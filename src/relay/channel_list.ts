// Reads the payload of a frame `channels` in parts, as one with all channels of a partition would block the event loop.
// Invariant: no part takes a millisecond, whatever the payload is; what is not of the form of a list throws a TypeError.
import type { Channel } from "../channels/channel.ts";
import { channelOf, checkTopic, topicOfText } from "./stream_channel.ts";

/** A topic with all its channels. */
export interface TopicChannels {
  readonly topic: string;
  readonly channels: Channel[];
}

/** As many as a partition has indexes. */
const CHANNELS_MAX = 65_536;
/** The longest text of a channel, and of all that is around the list. */
const TEXT_BYTES_MAX = 32 * 1024;
/** Bytes that are looked at in one part, at most. */
const PART_BYTES = 64 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** How deep an element of the list begins: within the list, within the object. */
const LIST_DEPTH = 2;

const decoder = new TextDecoder();

/** The channels of a payload. Throws a TypeError, or a SyntaxError where a text is no JSON. */
export function* channelsOf(
  payload: Uint8Array,
): Generator<void, TopicChannels> {
  const channels: Channel[] = [];
  let firstAt = -1;
  let lastEnd = -1;
  for (const { from, to } of elementsOf(payload)) {
    // Nothing but time has passed.
    if (to < 0) {
      yield;
      continue;
    }
    if (firstAt < 0) firstAt = from;
    else checkBetween(payload, lastEnd, from);
    lastEnd = to;
    if (channels.length === CHANNELS_MAX) {
      throw new TypeError(
        `A frame has more than ${CHANNELS_MAX} channels, which is the most that a partition has`,
      );
    }
    const value = JSON.parse(textAt(payload, from, to));
    channels.push(channelOf(value, channels));
    yield;
  }
  const around = firstAt < 0
    ? textAt(payload, 0, payload.byteLength)
    : textAt(payload, 0, firstAt) +
      textAt(payload, lastEnd, payload.byteLength);
  const topic = topicOfText(around);
  for (const channel of channels) {
    checkTopic(channel, topic);
    yield;
  }
  return { topic, channels };
}

/** Where the objects in lists of the outermost object are; `to` is −1 after {@linkcode PART_BYTES} bytes without one. */
function* elementsOf(
  bytes: Uint8Array,
): Generator<{ readonly from: number; readonly to: number }, void> {
  let depth = 0;
  let isInText = false;
  let isInList = false;
  let from = -1;
  let partEnd = PART_BYTES;
  for (let at = 0; at < bytes.byteLength; at++) {
    if (at >= partEnd) {
      partEnd = at + PART_BYTES;
      yield { from: at, to: -1 };
    }
    const byte = bytes[at]!;
    if (isInText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (depth === LIST_DEPTH && isInList && byte === OPEN_OBJECT) from = at;
      if (++depth === LIST_DEPTH) isInList = byte === OPEN_LIST;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (--depth !== LIST_DEPTH || from < 0) continue;
      yield { from, to: at + 1 };
      partEnd = at + PART_BYTES;
      from = -1;
    }
  }
}

/** Between two channels there is a comma, and blanks. */
function checkBetween(bytes: Uint8Array, from: number, to: number): void {
  const between = textAt(bytes, from, to).trim();
  if (between.length === 1 && between.charCodeAt(0) === COMMA) return;
  throw new TypeError("A frame of channels has more than one list of them");
}

function textAt(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > TEXT_BYTES_MAX) {
    throw new TypeError(
      `A text in a frame of channels has ${
        to - from
      } bytes, at most ${TEXT_BYTES_MAX} are read`,
    );
  }
  return decoder.decode(bytes.subarray(from, to));
}
