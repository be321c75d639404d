// Rows as Server-Sent Events in JSON, composed of the texts of their channels.
// Invariant: a channel's text of a row is made once, however many selections have the channel.
import type { Timeline } from "../blocks/timeline.ts";
import type { ChannelText } from "./channel_text.ts";
import type { EncodingContext } from "./encoding_context.ts";
import { eventTail } from "./event_tail.ts";
import type { MessageSource } from "./message_source.ts";
import { writeAscii } from "./number_text.ts";
import type { Column } from "./row_plan.ts";
import { HEAD_BYTES, jsonRowBytesMax } from "./row_size.ts";

const COMMA = 44;
/** Usual bytes of a sample as text, with its comma. */
const SAMPLE_BYTES = 12;

/** The events of one selection. */
export class JsonRowTexts implements MessageSource {
  readonly template = null;
  readonly isFixedLength = false;
  readonly messageBytes: number;
  readonly messageBytesMax: number;
  readonly #timeline: Timeline;
  readonly #texts: readonly ChannelText[];

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    { caches }: EncodingContext,
  ) {
    this.#timeline = timeline;
    this.#texts = columns.map((column) => caches.textOf(column, timeline));
    this.messageBytes = jsonRowBytes(columns);
    this.messageBytesMax = jsonRowBytesMaxOf(columns);
  }

  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number {
    const texts = this.#texts;
    let isMissing = false;
    at = writeRowHead(target, at, this.#timeline, row);
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i]!;
      text.make(row, isFill);
      if (i > 0) target[at++] = COMMA;
      target.set(text.bytes, at);
      at += text.bytes.byteLength;
      if (text.missing !== null) isMissing = true;
    }
    const tail = rowTail(texts, isMissing);
    target.set(tail, at);
    return at + tail.byteLength;
  }
}

/** Expected bytes of an event. */
export function jsonRowBytes(columns: readonly Column[]): number {
  let bytes = HEAD_BYTES;
  for (const { key, rowSamples } of columns) {
    bytes += key.byteLength + SAMPLE_BYTES * rowSamples;
  }
  return bytes;
}

/** Most bytes of an event. */
export function jsonRowBytesMaxOf(columns: readonly Column[]): number {
  return jsonRowBytesMax(columns.map(({ channel, rowSamples, key }) => ({
    dataType: channel.dataType,
    samples: rowSamples,
    keyBytes: key.byteLength,
  })));
}

/** Writes the text before the first channel, at most `HEAD_BYTES`; returns the byte offset after it. */
export function writeRowHead(
  out: Uint8Array,
  at: number,
  timeline: Timeline,
  row: number,
): number {
  const id = timeline.endNsText(row);
  const time = timeline.startNs(row);
  return writeAscii(
    out,
    at,
    `id: ${id}\ndata: {"time":"${time}","channels":{`,
  );
}

/** The text after the last channel; `isMissing`: it includes the reasons why channels are null. */
export function rowTail(
  texts: readonly ChannelText[],
  isMissing: boolean,
): Uint8Array {
  if (!isMissing) return eventTail();
  const reasons: [string, string][] = [];
  for (const { column, missing } of texts) {
    if (missing !== null) reasons.push([column.channel.name, missing]);
  }
  return eventTail(reasons);
}
