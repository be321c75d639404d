// What the two streams send, as schemas: the payloads that asyncapi.json names.
// Invariant: test/http/documents/asyncapi_test.ts holds each event of live streams against its schema.
import { DATA_TYPES } from "../../channels/channel.ts";
import { TREND_NAMES } from "../../trends/trend_bins.ts";
import type { Parameters, Schema } from "./api_document.ts";

export const ARROW_TYPE = "application/vnd.apache.arrow.stream";

const GPS_NS: Schema = {
  type: "string",
  pattern: String.raw`^\d{1,19}$`,
  "x-unit": "GPS ns",
  examples: ["1479469445437500000"],
};

const HELLO: Schema = {
  type: "object",
  required: ["version", "encoding", "stride_ns", "selection", "channels"],
  properties: {
    version: { type: "integer", const: 1 },
    encoding: { type: "string", enum: ["json", "arrow"] },
    stride_ns: {
      type: "integer",
      exclusiveMinimum: 0,
      description: "Time span of a row",
      "x-unit": "ns",
    },
    trend: {
      type: "string",
      enum: TREND_NAMES,
      description: "With `trend=`: each row is a bin",
    },
    selection: {
      type: "string",
      const: "fixed",
      description: "It is made when the stream opens",
    },
    channels: {
      type: "array",
      description: "Sorted by name",
      items: {
        type: "object",
        required: ["name", "data_type", "sample_rate"],
        properties: {
          name: { type: "string" },
          data_type: { type: "string", enum: DATA_TYPES },
          sample_rate: { type: "number", "x-unit": "Hz" },
        },
      },
    },
    schema: {
      type: "string",
      contentEncoding: "base64",
      description: "With `encoding=arrow`: Arrow's schema message",
    },
  },
};

const SAMPLE: Schema = {
  anyOf: [
    { type: ["number", "null"] },
    { type: "string", pattern: String.raw`^-?\d{1,19}$` },
  ],
};

const ROW: Schema = {
  type: "object",
  required: ["time", "channels"],
  properties: {
    time: { ...GPS_NS, description: "Start of the row; the id is its end" },
    channels: {
      type: "object",
      description:
        "Samples by name. 64-bit integers are text; NaN, infinities and missing samples are null; " +
        "a channel that is missing as a whole is null",
      additionalProperties: {
        type: ["array", "null"],
        items: SAMPLE,
      },
    },
    missing: {
      type: "object",
      description: "Why a channel is null, when its block is what is missing",
      additionalProperties: {
        type: "string",
        enum: ["late", "unreachable", "missing", "future"],
      },
    },
  },
};

const BIN: Schema = {
  type: "object",
  required: ["time", "bin_ns", "channels"],
  properties: {
    time: { ...GPS_NS, description: "Start of the bin" },
    bin_ns: { type: "integer", exclusiveMinimum: 0, "x-unit": "ns" },
    channels: {
      type: "object",
      description: "By name; null where nothing of a channel came",
      additionalProperties: {
        type: ["object", "null"],
        required: ["min", "mean", "max", "count"],
        properties: {
          min: { ...SAMPLE, description: "64-bit integers are text" },
          mean: { type: ["number", "null"] },
          max: SAMPLE,
          count: {
            type: "integer",
            minimum: 0,
            description:
              "Samples counted: NaN and what is missing are left out",
            "x-unit": "samples",
          },
        },
      },
    },
    missing: {
      type: "object",
      description: "Why a channel is null",
      additionalProperties: {
        type: "string",
        enum: ["missing", "not-recorded", "retention"],
      },
    },
  },
};

const GAP: Schema = {
  type: "object",
  required: ["from", "to", "reason", "filled"],
  properties: {
    from: {
      ...GPS_NS,
      type: ["string", "null"],
      description: "Null when it is not known",
    },
    to: GPS_NS,
    reason: {
      type: "string",
      enum: [
        "missing",
        "slow",
        "retention",
        "unknown-id",
        "stride-changed",
        "time-reset",
        "future",
        "not-recorded",
      ],
    },
    filled: {
      type: "boolean",
      description: "Rows of nulls follow for the span; they carry the ids",
    },
  },
};

const END: Schema = {
  type: "object",
  required: ["reason"],
  properties: {
    reason: {
      type: "string",
      enum: [
        "complete",
        "drain",
        "changed",
        "removed",
        "time-reset",
        "gap",
        "slow",
        "error",
      ],
    },
  },
};

/** A message of a stream: how it is told from the others, and what it carries. */
export interface StreamMessage {
  readonly title: string;
  readonly summary: string;
  readonly contentType: string;
  readonly headers?: Schema;
  readonly payload: Schema;
}

/** Fields of a server-sent event beside its data. Without a name, it is a message. */
function event(name: string | null, id: "id" | "may have an id" | ""): Schema {
  const idSchema = {
    ...GPS_NS,
    pattern: String.raw`^\d{1,19}(~\d{1,20})?$`,
    description:
      "Everything before it is settled; resume behind it. With `duration` and no `start`, `~` and the end of the " +
      "range follow, GPS ns",
  };
  return {
    type: "object",
    required: [
      ...(name === null ? [] : ["event"]),
      ...(id === "id" ? ["id"] : []),
    ],
    properties: {
      event: { type: "string", const: name ?? "message" },
      ...(id === "" ? {} : { id: idSchema }),
    },
  };
}

const JSON_TYPE = "application/json";

export const EVENT_MESSAGES: Readonly<Record<string, StreamMessage>> = {
  hello: {
    title: "hello",
    summary: "The first event: what the rows will be",
    contentType: JSON_TYPE,
    headers: event("hello", ""),
    payload: HELLO,
  },
  row: {
    title: "row",
    summary: "A selection at one time, `encoding=json`",
    contentType: JSON_TYPE,
    headers: event(null, "id"),
    payload: ROW,
  },
  bin: {
    title: "bin",
    summary: "A bin of trends in the place of a row, `trend=`",
    contentType: JSON_TYPE,
    headers: event(null, "id"),
    payload: BIN,
  },
  trend: {
    title: "trend",
    summary: "A bin of a span that the client lost, `slow=trend`",
    contentType: JSON_TYPE,
    headers: event("trend", ""),
    payload: BIN,
  },
  arrowRow: {
    title: "row in Arrow",
    summary: "A selection at one time, or a bin of trends, `encoding=arrow`",
    contentType: ARROW_TYPE,
    headers: event(null, "id"),
    payload: {
      type: "string",
      pattern: "^[A-Za-z0-9+/]+={0,2}$",
      contentEncoding: "base64",
      description: "Arrow's record batch message",
    },
  },
  gap: {
    title: "gap",
    summary: "A span of time without data, and why",
    contentType: JSON_TYPE,
    headers: event("gap", "may have an id"),
    payload: GAP,
  },
  heartbeat: {
    title: "heartbeat",
    summary:
      "A bare id and a blank line (a bare comment before the first row): nothing is dispatched",
    contentType: "text/plain",
    headers: event(null, "may have an id"),
    payload: { type: "string", const: "" },
  },
  end: {
    title: "end",
    summary:
      "The last event of a stream that the server ends; of reason `complete`, its id makes a reconnect get 204",
    contentType: JSON_TYPE,
    headers: event("end", "may have an id"),
    payload: END,
  },
};

/** One event as a parser of text/event-stream gives it: what OpenAPI says of the body. */
export const EVENT: Schema = {
  description: "Each event; a heartbeat is a bare id and dispatches nothing",
  anyOf: Object.values(EVENT_MESSAGES).map(
    ({ title, summary, contentType, headers, payload }) => {
      const { required, properties } = headers as {
        required: readonly string[];
        properties: Parameters;
      };
      return {
        type: "object",
        title,
        description: summary,
        required: title === "heartbeat" ? required : [...required, "data"],
        properties: {
          ...properties,
          retry: { type: "integer", "x-unit": "ms" },
          data: contentType === JSON_TYPE
            ? {
              type: "string",
              contentMediaType: JSON_TYPE,
              contentSchema: payload,
            }
            : payload,
        },
      };
    },
  ),
};

export const ARROW_MESSAGES: Readonly<Record<string, StreamMessage>> = {
  schema: {
    title: "schema",
    summary:
      "`time: int64 not null`, then a `list<T>` a channel, by name; with `trend=` four columns a channel: " +
      "NAME.min, NAME.mean, NAME.max, NAME.count",
    contentType: ARROW_TYPE,
    payload: { description: "Arrow IPC schema message" },
  },
  batch: {
    title: "record batch",
    summary:
      "One row; no rows as a heartbeat. A missing channel is a null list",
    contentType: ARROW_TYPE,
    headers: {
      type: "object",
      description: "Custom metadata of the message",
      properties: {
        "qanat.gap": {
          type: "string",
          contentMediaType: JSON_TYPE,
          contentSchema: {
            type: "object",
            required: ["from", "to", "reason"],
            properties: without(GAP.properties as Parameters, "filled"),
          },
          description: "The gap that lies before this row",
        },
        "qanat.end": {
          type: "string",
          contentMediaType: JSON_TYPE,
          contentSchema: END,
          description: "Why the stream ends here, unless it is complete",
        },
      },
    },
    payload: { description: "Arrow IPC record batch message" },
  },
};

function without(properties: Parameters, name: string): Parameters {
  const { [name]: _, ...rest } = properties;
  return rest;
}
