// The formats of a stream, and what follows from each: the table in which a new format is entered.
// Invariant: what depends on the format alone is read from STREAM_FORMATS and decided nowhere else.
import type { Codec } from "../arrow/compressed_batch.ts";
import type { TrendBin } from "../trends/trend_bins.ts";

/** What a client is sent: JSON events, events with Arrow in base64, or an Arrow stream. */
export type StreamFormat = "events" | "events-arrow" | "arrow";

/** Content coding of a response body. */
export type Coding = "identity" | "gzip";

/** Everything but the channels that decides which bytes a row becomes. */
export interface StreamShape {
  readonly format: StreamFormat;
  /** gzip: JSON events and Arrow streams. @default "identity" */
  readonly coding?: Coding;
  /** Compression of Arrow's buffers, for an Arrow stream without a coding. @default null */
  readonly codec?: Codec | null;
  /** Bins instead of rows. @default rows */
  readonly trend?: TrendBin | undefined;
}

/** What follows from a format. */
export interface FormatTraits {
  /** What a row is written in: the `encoding` of `/v1/events` and of its `hello`. */
  readonly encoding: "json" | "arrow";
  /** Whether a row is base64 in the data of its event. */
  readonly isBase64: boolean;
}

export const STREAM_FORMATS: Readonly<Record<StreamFormat, FormatTraits>> = {
  "events": { encoding: "json", isBase64: false },
  "events-arrow": { encoding: "arrow", isBase64: true },
  "arrow": { encoding: "arrow", isBase64: false },
};
