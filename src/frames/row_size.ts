// How large the rows of a selection are, by arithmetic on its channels: known before anything is made for it.
// Invariant: `rowBytesOf` never says more than the encoder's own `frameBytesMax`.
import {
  type Channel,
  type DataType,
  SAMPLE_BYTES,
  samplesIn,
} from "../channels/channel.ts";
import { SAMPLE_TEXT_MAX } from "./number_text.ts";
import { STREAM_FORMATS, type StreamFormat } from "./stream_format.ts";

/** What stands around the channels of a JSON row. */
export const HEAD_BYTES = 128;
/** `,null` for a sample that is not there. */
const NULL_TEXT_BYTES = 5;
/** `,"missing":{…}` without names: a reason with its quotes and commas. */
const REASON_BYTES = 16;
const encoder = new TextEncoder();
/** Names of ASCII that JSON does not escape: calls of the encoder are most of what a selection of thousands costs. */
const PLAIN_NAME = /^[ !#-[\]-~]*$/;
const QUOTE = 34;
const COLON = 58;
/** The quotes and the colon. */
const KEY_FRAME = 3;

/** What one channel adds to a row. */
export interface RowPart {
  readonly dataType: DataType;
  /** Of the row. */
  readonly samples: number;
  /** Of `"name":` as UTF-8. */
  readonly keyBytes: number;
}

/** `"name":` as UTF-8. */
export function keyOf({ name }: Pick<Channel, "name">): Uint8Array {
  if (!PLAIN_NAME.test(name)) return encoder.encode(JSON.stringify(name) + ":");
  const key = new Uint8Array(name.length + KEY_FRAME);
  key[0] = key[name.length + 1] = QUOTE;
  for (let i = 0; i < name.length; i++) key[i + 1] = name.charCodeAt(i);
  key[name.length + 2] = COLON;
  return key;
}

/** Bytes of {@linkcode keyOf}, which is not made where the name is plain. */
function keyBytesOf(channel: Pick<Channel, "name">): number {
  const { name } = channel;
  return PLAIN_NAME.test(name)
    ? name.length + KEY_FRAME
    : keyOf(channel).byteLength;
}

/** Most bytes that samples can have as text, brackets and commas included. */
export function textBytesMax(dataType: DataType, samples: number): number {
  const longest = SAMPLE_TEXT_MAX[dataType] + 1;
  return samples * Math.max(longest, NULL_TEXT_BYTES) + 8;
}

/** Most bytes of a JSON row. */
export function jsonRowBytesMax(parts: readonly RowPart[]): number {
  let bytes = HEAD_BYTES;
  for (const { dataType, samples, keyBytes } of parts) {
    bytes += 2 * keyBytes + REASON_BYTES + textBytesMax(dataType, samples);
  }
  return bytes;
}

/** Bytes that a row of these channels can have: of JSON all, of Arrow those of its samples. */
export function rowBytesOf(
  channels: readonly Channel[],
  strideNs: bigint,
  format: StreamFormat,
): number {
  const { encoding, isBase64 } = STREAM_FORMATS[format];
  const isJson = encoding === "json";
  const parts = channels.map((channel): RowPart => ({
    dataType: channel.dataType,
    samples: rowSamplesOf(channel, strideNs),
    keyBytes: isJson ? keyBytesOf(channel) : 0,
  }));
  if (isJson) return jsonRowBytesMax(parts);
  let bytes = 0;
  for (const { dataType, samples } of parts) {
    bytes += samples * SAMPLE_BYTES[dataType];
  }
  return isBase64 ? 4 * Math.ceil(bytes / 3) : bytes;
}

/** Blocks that are looked at for one row. */
export function rowBlocksOf(
  channels: readonly Channel[],
  strideNs: bigint,
): number {
  let blocks = 0;
  for (const channel of channels) {
    blocks += Number(strideNs / channel.strideNs);
  }
  return blocks;
}

function rowSamplesOf(channel: Channel, strideNs: bigint): number {
  const blocks = Number(strideNs / channel.strideNs);
  return Math.round(samplesIn(channel, channel.strideNs)) * blocks;
}
