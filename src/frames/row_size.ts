// Computes how large the rows of a selection are from its channels, before anything is allocated for it.
// Invariant: `rowBytesOf` is never more than `frameBytesMax` of the selection's encoder.
import {
  type Channel,
  type DataType,
  SAMPLE_BYTES,
  samplesIn,
} from "../channels/channel.ts";
import { LINE_CELL_BYTES_MAX } from "./line_cells.ts";
import { SAMPLE_TEXT_MAX } from "./number_text.ts";
import {
  isLineFormat,
  type LineFormat,
  STREAM_FORMATS,
  type StreamFormat,
} from "./stream_format.ts";

/** Most bytes of a JSON row without its channels. */
export const HEAD_BYTES = 128;
/** Bytes of `,null`, for a missing sample. */
const NULL_TEXT_BYTES = 5;
/** Most bytes of a channel's entry in `,"missing":{…}`, without its name. */
const REASON_BYTES = 16;
/** The same, of lines, for any reason of rows and of bins. */
export const LINE_REASON_BYTES_MAX = 20;
const encoder = new TextEncoder();
/** ASCII names without escapes in JSON, which need no TextEncoder: its calls take most of the time for thousands of names. */
const PLAIN_NAME = /^[ !#-[\]-~]*$/;
const QUOTE = 34;
const COLON = 58;
/** Bytes of two quotes and a colon. */
const KEY_EXTRA_BYTES = 3;

/** The part of a row that one channel adds. */
export interface RowPart {
  readonly dataType: DataType;
  /** Samples per row. */
  readonly samples: number;
  /** Bytes of `"name":` as UTF-8. */
  readonly keyBytes: number;
}

/** `"name":` as UTF-8. */
export function keyOf({ name }: Pick<Channel, "name">): Uint8Array {
  if (!PLAIN_NAME.test(name)) return encoder.encode(JSON.stringify(name) + ":");
  const key = new Uint8Array(name.length + KEY_EXTRA_BYTES);
  key[0] = key[name.length + 1] = QUOTE;
  for (let i = 0; i < name.length; i++) key[i + 1] = name.charCodeAt(i);
  key[name.length + 2] = COLON;
  return key;
}

/** Length of {@linkcode keyOf}, without making it where the name is plain ASCII. */
function keyBytesOf(channel: Pick<Channel, "name">): number {
  const { name } = channel;
  return PLAIN_NAME.test(name)
    ? name.length + KEY_EXTRA_BYTES
    : keyOf(channel).byteLength;
}

/** Most bytes of the text of `samples` samples, with brackets and commas. */
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

/**
 * Most bytes of a line of text without its channels: the time, and the end. The longest end is
 * `,future+late+missing+null+unreachable\n`; JSON also has `"bin_ns":60000000000,`.
 */
export const LINE_BYTES_MAX: Readonly<Record<LineFormat, number>> = {
  csv: 96,
  gwpy: 24,
  ndjson: 128,
};
/** Usual bytes of a line without its channels. */
const LINE_HEAD_BYTES = 64;
/** Usual bytes of a cell with its comma. */
const CELL_BYTES = 12;

/** Most bytes of a line of text with a sample of each channel. */
export function lineBytesMax(
  parts: readonly RowPart[],
  format: LineFormat,
): number {
  let bytes = LINE_BYTES_MAX[format];
  for (const { dataType, keyBytes } of parts) {
    bytes += 1 + LINE_CELL_BYTES_MAX[dataType];
    if (format === "ndjson") bytes += 2 * keyBytes + LINE_REASON_BYTES_MAX;
  }
  return bytes;
}

/** Expected bytes of such a line. */
export function lineBytes(
  parts: readonly RowPart[],
  format: LineFormat,
): number {
  let bytes = LINE_HEAD_BYTES;
  for (const { keyBytes } of parts) {
    bytes += CELL_BYTES + (format === "ndjson" ? keyBytes : 0);
  }
  return bytes;
}

/** Bytes of a row of these channels: in text the most that it can have; in every other encoding those of the samples alone. */
export function rowBytesOf(
  channels: readonly Channel[],
  strideNs: bigint,
  format: StreamFormat,
): number {
  const { encoding, isBase64 } = STREAM_FORMATS[format];
  const isJson = encoding === "json";
  const isLines = isLineFormat(format);
  const parts = channels.map((channel): RowPart => ({
    dataType: channel.dataType,
    samples: rowSamplesOf(channel, strideNs),
    keyBytes: isJson || isLines ? keyBytesOf(channel) : 0,
  }));
  if (isJson) return jsonRowBytesMax(parts);
  if (isLines) return parts[0]!.samples * lineBytesMax(parts, format);
  let bytes = 0;
  for (const { dataType, samples } of parts) {
    bytes += samples * SAMPLE_BYTES[dataType];
  }
  return isBase64 ? 4 * Math.ceil(bytes / 3) : bytes;
}

/** Blocks that are read for one row. */
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
