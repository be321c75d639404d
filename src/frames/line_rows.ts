// Rows as lines of text, one for each sample: CSV, or JSON (ndjson).
// Invariant: all channels of the selection have one rate, so each line has a cell of each channel; times grow from line to
// line.
import type { Timeline } from "../blocks/timeline.ts";
import { SAMPLE_ARRAYS, type Samples } from "../channels/sample_arrays.ts";
import type { ColumnSamples } from "./column_samples.ts";
import type { EncodingContext } from "./encoding_context.ts";
import {
  CELL_TEXTS,
  type CellTexts,
  type CellWriter,
  cellWriterOf,
} from "./line_cells.ts";
import { leadsOf, type LineMiss, lineTail } from "./line_parts.ts";
import { LineTimes, putBytes } from "./line_times.ts";
import type { MessageSource } from "./message_source.ts";
import { writeAscii } from "./number_text.ts";
import type { Column } from "./row_plan.ts";
import { lineBytes, lineBytesMax } from "./row_size.ts";
import type { Scratch } from "./scratch.ts";
import type { LineFormat } from "./stream_format.ts";

/** Samples begin at multiples of so many bytes: the largest sample. */
const ALIGNMENT = 8;

/** One column while a row is written. */
interface LineColumn {
  readonly samples: ColumnSamples;
  /** Byte offset of its samples in the buffer. */
  readonly byteOffset: number;
  readonly lead: Uint8Array;
  readonly write: CellWriter;
  /** Its samples of the row, a view of the buffer. */
  values: Samples;
  /** Whether any block of the row has samples of it. */
  hasAny: boolean;
  /** Whether it has samples in the lines that are being written. */
  isPresent: boolean;
}

/** The lines of one selection. */
export class LineRows implements MessageSource {
  readonly template = null;
  readonly isFixedLength = false;
  readonly messageBytes: number;
  readonly messageBytesMax: number;
  readonly #timeline: Timeline;
  readonly #format: LineFormat;
  readonly #texts: CellTexts;
  readonly #times: LineTimes;
  readonly #columns: readonly LineColumn[];
  readonly #okTail: Uint8Array;
  readonly #scratch: Scratch;
  readonly #bufferBytes: number;
  /** Samples per row, of each channel. */
  readonly #count: number;
  readonly #sampleRate: number;
  /** After so many lines, other blocks may be missing. */
  readonly #spanSamples: number;
  #buffer: Uint8Array | null = null;

  /** `columns` sorted by name, all of one rate. */
  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    { caches, scratch }: EncodingContext,
    format: LineFormat,
  ) {
    const [{ rowSamples, channel }] = columns as [Column];
    if (columns.some((column) => column.rowSamples !== rowSamples)) {
      throw new TypeError("Lines have one sample of each channel");
    }
    this.#timeline = timeline;
    this.#format = format;
    this.#texts = CELL_TEXTS[format];
    this.#times = new LineTimes(format);
    this.#okTail = lineTail(format);
    this.#scratch = scratch;
    this.#count = rowSamples;
    this.#sampleRate = channel.sampleRate;
    this.#spanSamples = columns.reduce(
      (span, { entry }) => commonDivisor(span, entry.blockSamples),
      0,
    );
    const leads = leadsOf(format, columns.map((column) => column.channel));
    let byteOffset = 0;
    this.#columns = columns.map((column, i) => {
      const at = byteOffset;
      const bytes = column.blockBytes * column.ratio;
      byteOffset += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
      return {
        samples: caches.samplesOf(column),
        byteOffset: at,
        lead: leads[i]!,
        write: cellWriterOf(column.channel.dataType),
        values: new SAMPLE_ARRAYS[column.channel.dataType](0),
        hasAny: false,
        isPresent: false,
      };
    });
    this.#bufferBytes = byteOffset;
    const parts = columns.map(({ channel, key }) => ({
      dataType: channel.dataType,
      samples: rowSamples,
      keyBytes: key.byteLength,
    }));
    this.messageBytes = rowSamples * lineBytes(parts, format);
    this.messageBytesMax = rowSamples * lineBytesMax(parts, format);
  }

  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number {
    const span = this.#spanSamples;
    this.#times.begin(this.#timeline.startNs(row));
    this.#copySamples(row, isFill);
    for (let from = 0; from < this.#count; from += span) {
      const tail = this.#tailOf(row, from, isFill);
      at = this.#writeLines(target, at, tail, from, from + span);
    }
    return at;
  }

  #copySamples(row: number, isFill: boolean): void {
    const buffer = this.#scratch.message(this.#bufferBytes);
    if (buffer !== this.#buffer) this.#lookAt(buffer);
    const columns = this.#columns;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      column.hasAny = !isFill &&
        column.samples.copy(row, buffer, column.byteOffset) > 0;
    }
  }

  /** Makes the views of another buffer than before. */
  #lookAt(buffer: Uint8Array): void {
    this.#buffer = buffer;
    for (const column of this.#columns) {
      const { dataType } = column.samples.column.channel;
      column.values = new SAMPLE_ARRAYS[dataType](
        buffer.buffer as ArrayBuffer,
        buffer.byteOffset + column.byteOffset,
        this.#count,
      );
    }
  }

  /** Finds out which channels have samples from line `from` of a row on, and returns the end of such a line. */
  #tailOf(row: number, from: number, isFill: boolean): Uint8Array {
    let isWhole = true;
    for (const column of this.#columns) {
      const { present } = column.samples;
      const { blockSamples } = column.samples.column.entry;
      column.isPresent = column.hasAny &&
        present[Math.floor(from / blockSamples)] === 1;
      if (!column.isPresent) isWhole = false;
    }
    if (isWhole) return this.#okTail;
    const missing: LineMiss[] = [];
    for (const { isPresent, samples: { column } } of this.#columns) {
      if (isPresent) continue;
      const { channel, partition, ratio, entry } = column;
      const block = row * ratio + Math.floor(from / entry.blockSamples);
      const reason = partition.locate(block) < 0
        ? partition.missReasonOf(block)
        : null;
      missing.push({ channel, reason });
    }
    return lineTail(this.#format, missing, isFill);
  }

  #writeLines(
    out: Uint8Array,
    at: number,
    tail: Uint8Array,
    from: number,
    to: number,
  ): number {
    const columns = this.#columns;
    const texts = this.#texts;
    const times = this.#times;
    const rate = this.#sampleRate;
    for (let k = from; k < to; k++) {
      at = times.write(out, at, Math.floor(k * 1e9 / rate));
      for (let i = 0; i < columns.length; i++) {
        const { lead, isPresent, write, values } = columns[i]!;
        at = putBytes(out, at, lead);
        at = isPresent
          ? write(out, at, values, k, texts)
          : writeAscii(out, at, texts.missing);
      }
      at = putBytes(out, at, tail);
    }
    return at;
  }
}

function commonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
