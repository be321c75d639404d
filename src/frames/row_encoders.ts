// Which encoder makes the frames of a selection: by format, coding, codec, and whether rows or bins are sent.
// Invariant: encoders of one process share all that does not depend on the selection (see `EncodingContext`).
import type { Codec } from "../arrow/compressed_batch.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Channel } from "../channels/channel.ts";
import type { ChannelNotes } from "../channels/channel_notes.ts";
import type { Slab } from "../memory/slab.ts";
import { Base64Events } from "./base64_events.ts";
import { BinMessages, type BinSelection } from "./bin_messages.ts";
import { BinTexts } from "./bin_texts.ts";
import { CompressedArrowRows } from "./compressed_arrow_rows.ts";
import { EncodingContext } from "./encoding_context.ts";
import { FlightRows } from "./flight_rows.ts";
import { GzipArrowRows } from "./gzip_arrow_rows.ts";
import { GzipFrames } from "./gzip_frames.ts";
import { GzipJsonRows } from "./gzip_json_rows.ts";
import { JsonRowTexts } from "./json_row_texts.ts";
import { LineBins } from "./line_bins.ts";
import { LineRows } from "./line_rows.ts";
import type { MessageSource } from "./message_source.ts";
import { plainFrames } from "./plain_frames.ts";
import type { RowEncoder } from "./row_encoder.ts";
import { RowMessages } from "./row_messages.ts";
import type { Coding, StreamFormat } from "./stream_format.ts";

/** What is encoded, and how. */
export interface EncodedSelection {
  /** Whose rows (or bins) are encoded. */
  readonly timeline: Timeline;
  /** Sorted by name. */
  readonly channels: readonly Channel[];
  readonly format: StreamFormat;
  readonly coding: Coding;
  readonly codec: Codec | null;
  /** The bins that are sent instead of rows; null: rows are. */
  readonly trend: BinSelection | null;
}

/** Makes encoders. One per process. */
export class RowEncoders {
  readonly context: EncodingContext;

  /** `slab`: where the frames are claimed; `notes`: of all channels. @default none */
  constructor(slab: Slab, notes?: ChannelNotes) {
    this.context = new EncodingContext(slab, notes);
  }

  /** The encoder of a selection. */
  of(selection: EncodedSelection): RowEncoder {
    const { trend } = selection;
    return trend === null
      ? this.#rowsOf(selection)
      : this.#binsOf(selection, trend);
  }

  /** The encoder of bins that are sent for rows which a slow client lost: JSON events named `trend`. */
  trendEvents(selection: BinSelection, coding: Coding): RowEncoder {
    const texts = new BinTexts(selection, () => "event: trend\n");
    return this.#wholeFrames(texts, coding);
  }

  /** Drops the texts of rows: rows of the same time come again with other samples. */
  dropTexts(): void {
    this.context.arena.clear();
  }

  /** While on, texts of several rows are kept at a time: selections are encoded several rows at once. */
  keepTexts(isOn: boolean): void {
    this.context.arena.keepsRows = isOn;
  }

  #rowsOf(selection: EncodedSelection): RowEncoder {
    const { context } = this;
    const { timeline, channels, format, coding, codec } = selection;
    const columns = context.plans.columnsOf(timeline, channels);
    switch (format) {
      case "events":
        return coding === "gzip"
          ? new GzipJsonRows(timeline, columns, context)
          : plainFrames(new JsonRowTexts(timeline, columns, context), context);
      case "events-arrow":
        return this.#base64Events(
          new RowMessages(timeline, columns, context),
          timeline,
        );
      case "flight":
        return plainFrames(new FlightRows(timeline, columns, context), context);
      case "arrow":
        if (coding === "gzip") {
          return new GzipArrowRows(timeline, columns, context);
        }
        return codec === null
          ? plainFrames(new RowMessages(timeline, columns, context), context)
          : new CompressedArrowRows(timeline, columns, { context, codec });
      case "csv":
      case "ndjson":
      case "gwpy": {
        const lines = new LineRows(timeline, columns, context, format);
        return this.#wholeFrames(lines, coding);
      }
    }
  }

  #binsOf(
    { timeline, format, coding }: EncodedSelection,
    bins: BinSelection,
  ): RowEncoder {
    switch (format) {
      case "events": {
        const headOf = (bin: number) => `id: ${timeline.endNsText(bin)}\n`;
        return this.#wholeFrames(new BinTexts(bins, headOf), coding);
      }
      case "events-arrow":
        return this.#base64Events(this.#binMessages(timeline, bins), timeline);
      case "arrow":
        return this.#wholeFrames(this.#binMessages(timeline, bins), coding);
      case "csv":
      case "ndjson":
      case "gwpy":
        return this.#wholeFrames(new LineBins(timeline, bins, format), coding);
      case "flight":
        throw new TypeError("Arrow Flight has no trends");
    }
  }

  #binMessages(timeline: Timeline, bins: BinSelection): BinMessages {
    return new BinMessages(timeline, bins, this.context.notes);
  }

  /** Base64 is not packed: six of eight bits of a character are close to random (docs/decisions/0015). */
  #base64Events(messages: MessageSource, timeline: Timeline): RowEncoder {
    const { scratch } = this.context;
    const events = new Base64Events(messages, timeline, scratch);
    return plainFrames(events, this.context);
  }

  #wholeFrames(source: MessageSource, coding: Coding): RowEncoder {
    return coding === "gzip"
      ? new GzipFrames(source, this.context)
      : plainFrames(source, this.context);
  }
}
