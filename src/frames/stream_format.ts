// The formats of a stream, and what follows from each: a new format is entered in these tables.
// Invariant: every value of the parameter `encoding` is a key of EVENT_FORMATS.
import type { Codec } from "../arrow/compressed_batch.ts";
import type { TrendBin } from "../trends/trend_bins.ts";

/** What a client is sent: JSON events, events with Arrow in base64, or an Arrow stream. */
export type StreamFormat = "events" | "events-arrow" | "arrow";

/** Content coding of a response body. */
export type Coding = "identity" | "gzip";

/** What decides, together with the channels, the bytes of a row. Clients with equal ones share their frames. */
export interface StreamShape {
  readonly format: StreamFormat;
  /** gzip: JSON events and Arrow streams. @default "identity" */
  readonly coding?: Coding;
  /** Compression of Arrow's buffers, for an Arrow stream without a coding. @default null */
  readonly codec?: Codec | null;
  /** Bins instead of rows. @default rows */
  readonly trend?: TrendBin | undefined;
}

/** By the parameter `encoding` of `/v1/events`: the format of its events. */
export const EVENT_FORMATS = {
  json: "events",
  arrow: "events-arrow",
} as const satisfies Record<string, StreamFormat>;

/** In what a row is encoded. */
export type RowEncoding = keyof typeof EVENT_FORMATS;

/** All values of the parameter `encoding`. */
export const ROW_ENCODINGS = Object.keys(
  EVENT_FORMATS,
) as readonly RowEncoding[];

/** What follows from a format. */
export interface FormatTraits {
  readonly encoding: RowEncoding;
  /** Whether a row is base64 in the data of its event. */
  readonly isBase64: boolean;
}

export const STREAM_FORMATS: Readonly<Record<StreamFormat, FormatTraits>> = {
  "events": { encoding: "json", isBase64: false },
  "events-arrow": { encoding: "arrow", isBase64: true },
  "arrow": { encoding: "arrow", isBase64: false },
};
