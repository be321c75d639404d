// The messages of the two streams, as schemas for asyncapi.json and openapi.json.
// Invariant: test/http/documents/asyncapi_test.ts checks each event of live streams with its schema.
import { ENCODINGS } from "../../frames/stream_format.ts";
import type { Parameters, Schema } from "./api_document.ts";
import { BIN, END, GAP, GPS_NS, HELLO, ROW } from "./event_payloads.ts";
import { otherRowMessages } from "./encoding_messages.ts";
import { PROBLEM_SCHEMA } from "./problem_schema.ts";

export const ARROW_TYPE = ENCODINGS.arrow.contentType;

/** A message of a stream: its headers, which distinguish it from the others, and its payload. */
export interface StreamMessage {
  readonly title: string;
  readonly summary: string;
  readonly contentType: string;
  readonly headers?: Schema;
  readonly payload: Schema;
}

/** The fields of a server-sent event except its data. An event without a name is of type `message`. */
function event(name: string | null, id: "id" | "may have an id" | ""): Schema {
  const idSchema = {
    ...GPS_NS,
    pattern: String.raw`^\d{1,19}(~\d{1,20})?$`,
    description:
      "Everything before this time was sent or reported as a gap; resume after it. With `duration` and no `start`, " +
      "`~` and the end of the range, GPS ns, follow",
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

function rowsInOtherEncodings(): Record<string, StreamMessage> {
  const messages: Record<string, StreamMessage> = {};
  for (const [name, { payload, ...message }] of otherRowMessages()) {
    messages[name] = { ...message, headers: event(null, "id"), payload };
  }
  return messages;
}

export const EVENT_MESSAGES: Readonly<Record<string, StreamMessage>> = {
  hello: {
    title: "hello",
    summary: "The first event: describes the rows that follow",
    contentType: JSON_TYPE,
    headers: event("hello", ""),
    payload: HELLO,
  },
  row: {
    title: "row",
    summary:
      "The samples of all selected channels at one time, `encoding=json`",
    contentType: JSON_TYPE,
    headers: event(null, "id"),
    payload: ROW,
  },
  bin: {
    title: "bin",
    summary: "A bin of trends, sent instead of rows with `trend=`",
    contentType: JSON_TYPE,
    headers: event(null, "id"),
    payload: BIN,
  },
  trend: {
    title: "trend",
    summary:
      "A bin of trends for rows that a slow client lost, with `slow=trend`",
    contentType: JSON_TYPE,
    headers: event("trend", ""),
    payload: BIN,
  },
  ...rowsInOtherEncodings(),
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
      "Keeps the connection alive: only an id (before the first row only a comment) and a blank line; parsers " +
      "dispatch no event for it",
    contentType: "text/plain",
    headers: event(null, "may have an id"),
    payload: { type: "string", const: "" },
  },
  end: {
    title: "end",
    summary:
      "The last event of a stream that the server ends. After the reason `complete`, a reconnect with its id is " +
      "answered 204",
    contentType: JSON_TYPE,
    headers: event("end", "may have an id"),
    payload: END,
  },
  error: {
    title: "error",
    summary:
      "With `errors=event`: the only event of a stream that is refused. `retry:` says when an EventSource asks again, " +
      "unless it is closed",
    contentType: JSON_TYPE,
    headers: event("error", ""),
    payload: PROBLEM_SCHEMA,
  },
};

/** One event as a parser of text/event-stream returns it: the schema of the body in OpenAPI. */
export const EVENT: Schema = {
  description:
    "Each event; a heartbeat has only an id, and parsers dispatch no event for it",
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
      "`time: int64 not null`, then one column `list<T>` per channel, by name; with `trend=` four columns per " +
      "channel: NAME.min, NAME.mean, NAME.max, NAME.count",
    contentType: ARROW_TYPE,
    payload: { description: "Arrow IPC schema message" },
  },
  batch: {
    title: "record batch",
    summary:
      "One row; a batch without rows is a heartbeat. A missing channel is a null list",
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
          description: "The gap before this row",
        },
        "qanat.end": {
          type: "string",
          contentMediaType: JSON_TYPE,
          contentSchema: END,
          description: "Why the stream ends here, unless the range is complete",
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
