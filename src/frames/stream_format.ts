// The formats of a stream, and what follows from each: a new format or encoding is entered in these tables.
// Encoding: what a row is written in, JSON or Arrow. Format: the encoding and how it is sent: in events, as a stream, or
// in messages of Arrow Flight. Lines: text with a line for each sample (or bin), as files have it.
// Coding: the compression of the whole body (gzip). Codec: the compression of the buffers inside an Arrow message.
// Invariant: every value of the parameter `encoding` is a key of ENCODINGS.
import type { Codec } from "../arrow/compressed_batch.ts";
import type { TrendBin } from "../trends/trend_bins.ts";

/**
 * Formats of lines, which are the values of the parameter `format`. `gwpy`: CSV of one channel with GPS seconds, as gwpy
 * and numpy.loadtxt read it.
 */
export const LINE_FORMATS = ["csv", "ndjson", "gwpy"] as const;

/** A format with a line of text for each sample, or for each bin. */
export type LineFormat = typeof LINE_FORMATS[number];

/** What a client is sent: JSON events, events with Arrow in base64, an Arrow stream, messages of Arrow Flight, or lines. */
export type StreamFormat =
  | "events"
  | "events-arrow"
  | "arrow"
  | "flight"
  | LineFormat;

/** Content coding of a response body. */
export type Coding = "identity" | "gzip";

/** What decides, together with the channels, the bytes of a row. Clients with equal ones share their frames. */
export interface StreamShape {
  readonly format: StreamFormat;
  /** gzip: JSON events, Arrow streams and lines. @default "identity" */
  readonly coding?: Coding;
  /** Compression of Arrow's buffers, for an Arrow stream without a coding. @default null */
  readonly codec?: Codec | null;
  /** Bins instead of rows. @default rows */
  readonly trend?: TrendBin | undefined;
  /** Of lines: they begin with the units of the channels, too. @default false */
  readonly hasUnits?: boolean | undefined;
}

/** A value of the parameter `encoding` of `/v1/events`: its format, and what the API's documents say about it. */
export interface EncodingTraits {
  readonly format: StreamFormat;
  /** Its name in a sentence. */
  readonly name: string;
  /** What the data of a row's event is, before base64. */
  readonly content: string;
  readonly contentType: string;
}

/** All encodings of events. The parameter, the hello event, OpenAPI and AsyncAPI list them from here. */
export const ENCODINGS = {
  json: {
    format: "events",
    name: "JSON",
    content: "JSON",
    contentType: "application/json",
  },
  arrow: {
    format: "events-arrow",
    name: "Arrow",
    content: "an Arrow record batch message",
    contentType: "application/vnd.apache.arrow.stream",
  },
} as const satisfies Record<string, EncodingTraits>;

/** In what a row is encoded. */
export type RowEncoding = keyof typeof ENCODINGS;

/** All values of the parameter `encoding`. */
export const ROW_ENCODINGS = Object.keys(ENCODINGS) as readonly RowEncoding[];

/** What follows from a format. */
export interface FormatTraits {
  /** Null for lines. */
  readonly encoding: RowEncoding | null;
  /**
   * Whether a row is base64 in the data of its event. In an event stream, bytes that are not UTF-8 text without line
   * ends are safe only as base64.
   */
  readonly isBase64: boolean;
  /** Whether what a client is sent are events: with ids, and an event for what is not a row. */
  readonly isEvents: boolean;
  /** Whether a heartbeat is a row of nulls, since the client expects rows and nothing else. */
  readonly isHeartbeatRow: boolean;
  /** Whether a write takes several times as long as one of the other formats. */
  readonly isSlowToWrite: boolean;
  /** Whether a row is a line of text for each sample. The body then breaks off unless the range is whole. */
  readonly isLines: boolean;
}

export const STREAM_FORMATS: Readonly<Record<StreamFormat, FormatTraits>> = {
  "events": traits("json", { isEvents: true }),
  "events-arrow": traits("arrow", { isEvents: true, isBase64: true }),
  "arrow": traits("arrow"),
  "flight": traits("arrow", { isHeartbeatRow: true, isSlowToWrite: true }),
  "csv": traits(null, { isLines: true }),
  "ndjson": traits(null, { isLines: true }),
  "gwpy": traits(null, { isLines: true }),
};

/** Whether a format is one of lines. */
export function isLineFormat(format: StreamFormat): format is LineFormat {
  return STREAM_FORMATS[format].isLines;
}

function traits(
  encoding: RowEncoding | null,
  others: Partial<Omit<FormatTraits, "encoding">> = {},
): FormatTraits {
  return {
    encoding,
    isBase64: false,
    isEvents: false,
    isHeartbeatRow: false,
    isSlowToWrite: false,
    isLines: false,
    ...others,
  };
}
