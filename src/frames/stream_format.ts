// The formats of a stream: what clients must have in common to share frames, beside their channels.
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
