// Bins of trends, ready to send: JSON events, events with Arrow in base64, Arrow.
// Invariant: a bin is made once a selection and format; its min and max read back to exactly the samples they were.
import {
  COUNT,
  MAX,
  MEAN,
  MIN,
  setSample,
  TrendTemplate,
} from "../arrow/trend_template.ts";
import type { Channel } from "../channels/channel.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import { newSampleStats, type SampleStats } from "../trends/sample_stats.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import type { TrendRing } from "../trends/trend_ring.ts";
import { trendRings } from "../trends/trend_timeline.ts";
import type { RowEncoder } from "./row_messages.ts";
import { rateText } from "./row_plan.ts";
import { crcOf, crcShift } from "./crc32.ts";
import { deflatedPiece } from "./gzip.ts";
import type { TextScratch } from "./json_row_texts.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import {
  NUMBER_TEXT_MAX,
  writeAscii,
  writeFloat32,
  writeFloat64,
  writeInteger,
} from "./number_text.ts";

const encoder = new TextEncoder();
const HEAD_BYTES = 160;
/** `,{"min":,"mean":,"max":,"count":}` with four numbers. */
const VALUES_BYTES_MAX = 40 + 4 * NUMBER_TEXT_MAX;
const VALUES_BYTES = 90;
/** `,"missing":{…}` without names: a reason with its quotes and commas. */
const REASON_BYTES = 20;
const COMMA = 44;
const QUOTE = 34;
/** What deflate can add to a text. */
const PACKED_EXTRA_BYTES = 64;

/** The bins of one selection. */
export interface TrendSelection {
  readonly bin: TrendBin;
  /** Sorted by name. */
  readonly records: readonly TrendRecord[];
}

/** JSON events. */
export class TrendJsonRows implements RowEncoder {
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #headOf: (row: number) => string;
  readonly #slab: Slab;
  readonly #text: TrendText;
  readonly #isGzip: boolean;

  /** `headOf`: the lines of an event before its data. */
  constructor(
    headOf: (row: number) => string,
    selection: TrendSelection,
    options: { slab: Slab; scratch: TextScratch; isGzip: boolean },
  ) {
    this.#headOf = headOf;
    this.#slab = options.slab;
    this.#isGzip = options.isGzip;
    this.#text = new TrendText(selection, options.scratch);
    this.frameBytes = this.#text.bytes;
    this.frameBytesMax = this.#text.bytesMax +
      PACKED_EXTRA_BYTES + Math.ceil(this.#text.bytesMax / 1000);
  }

  encode(row: number, isFill = false): Frame | null {
    const text = this.#text.write(row, { head: this.#headOf(row), isFill });
    if (!this.#isGzip) return frameOf(this.#slab, text);
    const packed = deflatedPiece(text);
    const frame = frameOf(this.#slab, packed);
    if (frame === null) return null;
    const bytes = text.byteLength;
    frame.plain = { bytes, crc: crcOf(text), shift: crcShift(bytes) };
    return frame;
  }
}

/** Record batch messages. */
export class TrendArrowRows implements RowEncoder {
  readonly template: TrendTemplate;
  readonly #timeline: Timeline;
  readonly #channels: readonly Channel[];
  readonly #rings: readonly TrendRing[];
  readonly #slab: Slab;
  readonly #values = newSampleStats();

  constructor(timeline: Timeline, selection: TrendSelection, slab: Slab) {
    const { records, bin } = selection;
    this.#timeline = timeline;
    this.#slab = slab;
    this.#channels = records.map((record) => record.channel);
    this.#rings = trendRings(records, bin);
    this.template = new TrendTemplate(
      this.#channels.map(({ name, dataType, sampleRate }) => ({
        name,
        dataType,
        rate: rateText(sampleRate),
      })),
      bin.name,
    );
  }

  get frameBytes(): number {
    return this.template.byteLength;
  }

  get frameBytesMax(): number {
    return this.template.byteLength;
  }

  encode(row: number, isFill = false): Frame | null {
    const frame = Frame.claim(this.#slab, this.template.byteLength);
    if (frame) this.fill(row, frame.chunk, ENVELOPE_HEAD_BYTES, isFill);
    return frame;
  }

  /** Writes the message of a bin into `target` at `at`; `template.byteLength` bytes. */
  fill(row: number, target: Uint8Array, at: number, isFill: boolean): void {
    const { template } = this;
    const values = this.#values;
    const view = template.begin(target, at, this.#timeline.startNs(row));
    if (isFill) return;
    for (let i = 0; i < this.#rings.length; i++) {
      if (!this.#rings[i]!.read(row, values)) continue;
      const count = BigInt(values.count);
      view.setBigInt64(template.present(view, i, COUNT), count, true);
      if (values.count === 0) continue;
      const mean = values.sum / values.count;
      view.setFloat64(template.present(view, i, MEAN), mean, true);
      const { dataType } = this.#channels[i]!;
      const { min, max, minBig, maxBig } = values;
      const low = { dataType, value: min, big: minBig };
      const high = { dataType, value: max, big: maxBig };
      setSample(view, template.present(view, i, MIN), low);
      setSample(view, template.present(view, i, MAX), high);
    }
  }
}

/** Events whose data is the base64 of the record batch message. */
export class TrendArrowEventRows implements RowEncoder {
  readonly arrow: TrendArrowRows;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #timeline: Timeline;
  readonly #slab: Slab;
  readonly #message: Uint8Array;

  constructor(timeline: Timeline, selection: TrendSelection, slab: Slab) {
    this.arrow = new TrendArrowRows(timeline, selection, slab);
    this.#timeline = timeline;
    this.#slab = slab;
    const { byteLength } = this.arrow.template;
    this.#message = new Uint8Array(byteLength);
    this.frameBytes = 4 * Math.ceil(byteLength / 3) + 64;
    this.frameBytesMax = this.frameBytes;
  }

  encode(row: number, isFill = false): Frame | null {
    this.arrow.fill(row, this.#message, 0, isFill);
    const id = this.#timeline.endNsText(row);
    const data = this.#message.toBase64();
    return frameOf(this.#slab, encoder.encode(`id: ${id}\ndata: ${data}\n\n`));
  }
}

/** Most bytes of the text of one bin of these channels, before it is packed. */
export function trendTextBytesMax(channels: readonly Channel[]): number {
  let bytes = HEAD_BYTES;
  for (const { name } of channels) {
    const keyBytes = encoder.encode(JSON.stringify(name)).byteLength + 1;
    bytes += 2 * keyBytes + VALUES_BYTES_MAX + REASON_BYTES;
  }
  return bytes;
}

/** Bins as JSON. */
class TrendText {
  /** Usual and most bytes of one event. */
  readonly bytes: number;
  readonly bytesMax: number;
  readonly #bin: TrendBin;
  readonly #channels: readonly Channel[];
  readonly #keys: readonly Uint8Array[];
  readonly #rings: readonly TrendRing[];
  readonly #scratch: TextScratch;
  readonly #values = newSampleStats();

  constructor({ bin, records }: TrendSelection, scratch: TextScratch) {
    this.#bin = bin;
    this.#scratch = scratch;
    this.#channels = records.map((record) => record.channel);
    this.#rings = trendRings(records, bin);
    this.#keys = this.#channels.map(({ name }) =>
      encoder.encode(JSON.stringify(name) + ":")
    );
    const keyBytes = this.#keys.reduce((n, key) => n + key.byteLength, 0);
    const { length } = records;
    this.bytes = HEAD_BYTES + keyBytes + length * VALUES_BYTES;
    this.bytesMax = HEAD_BYTES + 2 * keyBytes +
      length * (VALUES_BYTES_MAX + REASON_BYTES);
  }

  /** The event of a bin; it holds until the scratch is used again. */
  write(
    row: number,
    { head, isFill }: { head: string; isFill: boolean },
  ): Uint8Array {
    const { binNs } = this.#bin;
    const values = this.#values;
    let out = this.#scratch.grow(HEAD_BYTES);
    const time = BigInt(row) * binNs;
    let at = writeAscii(
      out,
      0,
      `${head}data: {"time":"${time}","bin_ns":${binNs},"channels":{`,
    );
    const missing: [string, string][] = [];
    for (let i = 0; i < this.#rings.length; i++) {
      const key = this.#keys[i]!;
      out = this.#scratch.grow(at + key.byteLength + VALUES_BYTES_MAX);
      if (i > 0) out[at++] = COMMA;
      out.set(key, at);
      at += key.byteLength;
      const ring = this.#rings[i]!;
      if (!isFill && ring.read(row, values)) {
        at = writeValues(out, at, this.#channels[i]!, values);
        continue;
      }
      at = writeAscii(out, at, "null");
      if (!isFill) missing.push([this.#channels[i]!.name, whyNot(ring, row)]);
    }
    const tail = missing.length === 0
      ? "}}\n\n"
      : `},"missing":${JSON.stringify(Object.fromEntries(missing))}}\n\n`;
    const bytes = encoder.encode(tail);
    out = this.#scratch.grow(at + bytes.byteLength);
    out.set(bytes, at);
    return out.subarray(0, at + bytes.byteLength);
  }
}

function frameOf(slab: Slab, body: Uint8Array): Frame | null {
  const frame = Frame.claim(slab, body.byteLength);
  frame?.chunk.set(body, ENVELOPE_HEAD_BYTES);
  return frame;
}

function whyNot(ring: TrendRing, row: number): string {
  if (ring.first < 0 || row < ring.first) return "not-recorded";
  return row < ring.oldest ? "retention" : "missing";
}

function writeValues(
  out: Uint8Array,
  at: number,
  channel: Channel,
  values: SampleStats,
): number {
  const { count, sum, min, max, minBig, maxBig } = values;
  if (count === 0) {
    return writeAscii(
      out,
      at,
      `{"min":null,"mean":null,"max":null,"count":0}`,
    );
  }
  at = writeAscii(out, at, `{"min":`);
  at = writeSample(out, at, channel, { value: min, big: minBig });
  at = writeAscii(out, at, `,"mean":`);
  at = writeFloat64(out, at, sum / count);
  at = writeAscii(out, at, `,"max":`);
  at = writeSample(out, at, channel, { value: max, big: maxBig });
  at = writeAscii(out, at, `,"count":`);
  at = writeInteger(out, at, count);
  return writeAscii(out, at, "}");
}

function writeSample(
  out: Uint8Array,
  at: number,
  { dataType }: Channel,
  { value, big }: { value: number; big: bigint },
): number {
  switch (dataType) {
    case "float32":
      return writeFloat32(out, at, value);
    case "float64":
      return writeFloat64(out, at, value);
    case "int64":
      out[at++] = QUOTE;
      at = writeAscii(out, at, String(big));
      out[at++] = QUOTE;
      return at;
    default:
      return writeInteger(out, at, value);
  }
}
