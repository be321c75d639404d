// How a stream's rows are sent: format, coding of the body, codec of Arrow's buffers, and the headers that say so.
// Invariant: nothing that the client refuses (Accept, Accept-Encoding) or does not name (codecs) is used.
import type { Codec } from "../../arrow/compressed_batch.ts";
import { samplesIn } from "../../channels/channel.ts";
import {
  type Coding,
  ENCODINGS,
  isLineFormat,
  type LineFormat,
  type StreamFormat,
  type StreamShape,
} from "../../frames/stream_format.ts";
import { GZIP_ROW_BYTES_MIN } from "../../frames/gzip_json_rows.ts";
import { LINE_TYPES } from "../documents/data_parameters.ts";
import { ARROW_TYPE } from "../documents/stream_messages.ts";
import { problem, quoted } from "../transport/problem.ts";
import { codingFor } from "./accept_encoding.ts";
import { codecFor } from "./arrow_codecs.ts";
import { attachment } from "./header_text.ts";
import { unacceptable } from "./json_or_arrow.ts";
import { lenientTypeFor, mediaTypeFor } from "./media_type.ts";
import type { StreamPath } from "./stream_fields.ts";
import type { StreamRequest } from "./stream_request.ts";

const EVENTS_TYPE = "text/event-stream";
/** What follows the media type of lines. */
const LINE_CONTENT_PARAMETERS: Readonly<Record<LineFormat, string>> = {
  csv: "; charset=utf-8; header=present",
  gwpy: "; charset=utf-8; header=absent",
  ndjson: "",
};
const ONLY_PLAIN: readonly Coding[] = ["identity"];
const GZIP_FIRST: readonly Coding[] = ["gzip", "identity"];
const PLAIN_FIRST: readonly Coding[] = ["identity", "gzip"];
/** Usual length of the text of a channel's bin. */
const TREND_TEXT_BYTES = 110;
/** Length of the times of a line. */
const LINE_TIME_BYTES = 50;
/** Usual length of a sample's text. */
const SAMPLE_TEXT_BYTES = 10;

/** What decides the form of the answer, besides the request's parameters. */
export interface Preferences {
  readonly path: StreamPath;
  /** The header of this name. */
  readonly accept: string | undefined;
  /** The header of this name. */
  readonly acceptEncoding: string | undefined;
}

/** The form that was agreed on. */
export interface StreamForm {
  /** Clients of one selection and shape share their frames. */
  readonly shape: StreamShape;
  readonly headers: Record<string, string>;
}

/** A format and its media type. */
interface Media {
  readonly format: StreamFormat;
  readonly contentType: string;
}

/** The form of a stream; 406 or 400 where the client allows none. */
export function negotiate(
  request: StreamRequest,
  { path, accept, acceptEncoding }: Preferences,
): StreamForm | Response {
  const media = mediaOf(request, path, accept);
  if (media instanceof Response) return media;
  const { format } = media;
  const isArrow = format === "arrow";
  // A bin has a handful of numbers a channel: compressing its buffers gains nothing.
  const codec = isArrow && request.trend === undefined
    ? codecFor(accept)
    : null;
  const coding = isArrow && request.coding === "gzip"
    ? "gzip"
    : codingFor(acceptEncoding, codingsOf(format, request));
  if (coding === null) return notAcceptable(format, acceptEncoding ?? "");
  if (coding !== "identity" && codec !== null) {
    return problem("conflicting_parameters", {
      detail:
        `coding=${coding} compresses the body, and codecs in Accept (${codec}) compress its buffers; ask for one of them`,
      param: "coding",
    });
  }
  return {
    shape: {
      format,
      coding,
      codec,
      trend: request.trend,
      hasUnits: request.hasUnits,
    },
    headers: headersOf(request, media, { coding, codec }),
  };
}

/** What a path sends; 406 where the client accepts none of its types. A `format` in the address wins over Accept. */
function mediaOf(
  { encoding, format }: StreamRequest,
  path: StreamPath,
  accept: string | undefined,
): Media | Response {
  if (path === "/v1/events") {
    // Many clients of events do not name their type.
    return lenientTypeFor(accept, [EVENTS_TYPE]) === null
      ? unacceptable(accept!, `/v1/events sends ${EVENTS_TYPE} only`)
      : {
        format: ENCODINGS[encoding].format,
        contentType: `${EVENTS_TYPE}; charset=utf-8`,
      };
  }
  if (path === "/v1/arrow") {
    return mediaTypeFor(accept, [ARROW_TYPE]) === null
      ? unacceptable(accept!, `/v1/arrow sends ${ARROW_TYPE} only`)
      : { format: "arrow", contentType: ARROW_TYPE };
  }
  const types = Object.keys(LINE_TYPES);
  const type = format === undefined
    ? mediaTypeFor(accept, types)
    : types.find((known) => LINE_TYPES[known] === format) ?? "text/csv";
  if (type === null) {
    return unacceptable(accept!, `/v1/data sends ${types.join(", ")}`);
  }
  const lines = format ?? LINE_TYPES[type]!;
  const contentType = type + LINE_CONTENT_PARAMETERS[lines];
  return { format: lines, contentType };
}

/** The codings that a stream can have, best first. Short rows do not get smaller by gzip. */
function codingsOf(
  format: StreamFormat,
  { channels, trend }: StreamRequest,
): readonly Coding[] {
  const isLines = isLineFormat(format);
  if (format !== "events" && !isLines) return ONLY_PLAIN;
  if (trend) {
    const binBytes = TREND_TEXT_BYTES * channels.length;
    return binBytes >= GZIP_ROW_BYTES_MIN ? GZIP_FIRST : PLAIN_FIRST;
  }
  // All channels of lines have one rate.
  const first = channels[0]!;
  let rowBytes = isLines
    ? LINE_TIME_BYTES * samplesIn(first, first.strideNs)
    : 0;
  for (const channel of channels) {
    rowBytes += SAMPLE_TEXT_BYTES * samplesIn(channel, channel.strideNs);
    if (rowBytes >= GZIP_ROW_BYTES_MIN) return GZIP_FIRST;
  }
  return PLAIN_FIRST;
}

function headersOf(
  request: StreamRequest,
  { format, contentType }: Media,
  { coding, codec }: {
    readonly coding: Coding;
    readonly codec: Codec | null;
  },
): Record<string, string> {
  const isFile = (format === "arrow" || isLineFormat(format)) &&
    (request.endNs !== undefined || request.durationNs !== undefined);
  return {
    "content-type": contentType + (codec === null ? "" : `;codecs=${codec}`),
    ...(coding === "identity" ? {} : { "content-encoding": coding }),
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    ...(isFile ? { "content-disposition": fileOf(request, format) } : {}),
  };
}

/** `Content-Disposition` of the file that a bounded range is. */
function fileOf(
  { channels, startNs, trend }: StreamRequest,
  format: StreamFormat,
): string {
  const more = channels.length > 1 ? `_and_${channels.length - 1}` : "";
  const kind = trend ? `_trend_${trend.name}` : "";
  const from = startNs === undefined ? "live" : startNs / 1_000_000_000n;
  return attachment(
    channels[0]!.name,
    `${more}_${from}${kind}.${suffixOf(format)}`,
  );
}

function suffixOf(format: StreamFormat): string {
  if (format === "arrow") return "arrows";
  return format === "ndjson" ? "ndjson" : "csv";
}

function notAcceptable(format: StreamFormat, acceptEncoding: string): Response {
  return problem("no_acceptable_coding", {
    detail:
      `Accept-Encoding ${quoted(acceptEncoding)} refuses every coding of ` +
      `this stream: identity${
        format === "events" || isLineFormat(format) ? ", gzip" : ""
      }` +
      (format === "arrow" ? "; coding=gzip asks for gzip" : ""),
  });
}
