// OpenAPI's description of the two stream routes.
import {
  type Answer,
  type Parameters,
  problemAnswer,
  RETRY_AFTER,
  type RouteDocument,
} from "./api_document.ts";
import { ARROW_TYPE, EVENT } from "./stream_messages.ts";
import {
  ARROW_PARAMETERS,
  bodySchemaOf,
  EVENTS_PARAMETERS,
} from "./stream_parameters.ts";

const REQUEST_HEADERS: Parameters = {
  "accept-encoding": {
    type: "string",
    description:
      "With `gzip`, JSON events are compressed, unless rows are so short that it saves nothing",
    examples: ["gzip"],
  },
  "last-event-id": {
    type: "string",
    description:
      "The id of the last event, which an EventSource sends when it reconnects; overrides `after`",
    examples: ["1479469445500000000"],
    "x-unit": "GPS ns",
  },
};

/** OpenAPI's tools ignore a header parameter of the name `accept`, as they set it by the type of the answer. */
const ARROW_HEADERS: Parameters = {
  "accept": {
    type: "string",
    description:
      "`codecs` lists the codecs of Arrow's buffer compression that the client can read, the preferred one first " +
      "(`zstd`, `lz4`); the first supported one compresses the buffers where that makes them smaller",
    examples: [`${ARROW_TYPE};codecs="zstd, lz4"`],
  },
  ...REQUEST_HEADERS,
  "accept-encoding": {
    type: "string",
    description:
      "Must allow `identity`, else the answer is 406; ask for gzip with `coding=gzip`",
    examples: ["identity"],
  },
};

/** The answers of all routes that answer with rows, except 200. */
export const ANSWERS = {
  204: {
    description:
      "The client resumes after the end of its range: there is nothing more, and an EventSource stops reconnecting",
  },
  400: problemAnswer(
    "A parameter, expression or range is wrong; the selection is empty or too large; rows could be larger than 16 MiB",
  ),
  404: problemAnswer(
    "A channel (`unknown` has similar names) or the replay context does not exist; or the whole range is older than the " +
      "oldest data (`available_from_ns`)",
  ),
  406: problemAnswer(
    "Accept refuses the type, or Accept-Encoding refuses every coding of this stream",
  ),
  429: problemAnswer(
    "Too many streams from your address: more than are allowed, or more than its share of what other addresses leave free",
    {
      headers: RETRY_AFTER,
      isNeverForHead: true,
    },
  ),
  503: problemAnswer(
    "A limit of all clients together is reached: clients, memory, memory for trends, readers of history, long requests, or bodies",
    { headers: RETRY_AFTER },
  ),
} satisfies RouteDocument["answers"];

/** What a GET takes and answers beyond a POST, where caches may keep answers. */
const IF_NONE_MATCH: Parameters = {
  "if-none-match": {
    type: "string",
    description:
      "ETags of answers that the client has; with that of this request the answer is 304",
    examples: ['"2jmj7l5rSw0yVb_vlWAYk"'],
  },
};

const NOT_MODIFIED: RouteDocument["answers"] = {
  304: {
    description:
      "The client has the answer: `if-none-match` names its ETag. A settled range does not change",
    headers: {
      etag: { type: "string", description: "The ETag of the answer" },
      "cache-control": {
        type: "string",
        description: "What caches may do with the answer that the client has",
      },
    },
  },
};

const POSTED: RouteDocument["answers"] = {
  408: problemAnswer("The body did not arrive in time"),
  413: problemAnswer("The body is larger than 4 MiB"),
  415: problemAnswer("The body is not application/json"),
};

export const RANGE_HEADERS = {
  "etag": {
    type: "string",
    description:
      "Of a settled range, answered to a GET: all rows are there and cannot change. It is weak where the body, or buffers in it, are compressed",
  },
  "cache-control": {
    type: "string",
    description:
      "Of a settled range, answered to a GET: `public, max-age=…`; `private, no-cache` with authentication; `no-cache` where `match` selects channels. Else `no-store`",
  },
  "x-start": {
    type: "string",
    description: "With `start`: this time",
    "x-unit": "GPS s",
  },
  "x-end": {
    type: "string",
    description: "With `end`, or with `start` and `duration`: the end",
    "x-unit": "GPS s",
  },
} satisfies Answer["headers"];

const EVENTS_OK: Answer = {
  description:
    "Events, until the range ends or the client disconnects; asyncapi.json has the schema of each event",
  headers: RANGE_HEADERS,
  content: { "text/event-stream": EVENT },
};

const ARROW_OK: Answer = {
  description:
    "Arrow IPC: the schema, then one record batch per row, until the range ends or the client disconnects",
  headers: {
    ...RANGE_HEADERS,
    "content-disposition": {
      type: "string",
      description: "With `end` or `duration`: a name for the file",
    },
    "content-encoding": {
      type: "string",
      enum: ["gzip"],
      description: "With `coding=gzip`",
    },
  },
  content: {
    [ARROW_TYPE]: {
      description:
        "Arrow IPC stream, with the parameter `codecs=zstd` or `codecs=lz4` where its buffers are compressed",
    },
  },
};

/** The documents of a route that selects channels by its query, or by the same fields in a body. */
export function selectingDocuments(
  { name, summary, parameters, headers = {}, answers, isKept = false }: {
    /** End of the ids of its operations. */
    readonly name: string;
    readonly summary: string;
    readonly parameters: Parameters;
    /** Of the request. */
    readonly headers?: Parameters;
    readonly answers: RouteDocument["answers"];
    /** Whether caches may keep some answers to a GET. */
    readonly isKept?: boolean;
  },
): { readonly get: RouteDocument; readonly post: RouteDocument } {
  const shared = { tag: "streams", headers } as const;
  return {
    get: {
      ...shared,
      operationId: `get${name}`,
      summary,
      query: parameters,
      headers: isKept ? { ...headers, ...IF_NONE_MATCH } : headers,
      answers: isKept ? { ...answers, ...NOT_MODIFIED } : answers,
    },
    post: {
      ...shared,
      operationId: `post${name}`,
      summary: `${summary}; for selections that are too long for a URL`,
      body: bodySchemaOf(parameters),
      answers: { ...answers, ...POSTED },
    },
  };
}

export const EVENTS_DOCUMENT = selectingDocuments({
  name: "Events",
  summary: "Stream rows as Server-Sent Events",
  parameters: EVENTS_PARAMETERS,
  headers: REQUEST_HEADERS,
  answers: { ...ANSWERS, 200: EVENTS_OK },
  isKept: true,
});

export const ARROW_DOCUMENT = selectingDocuments({
  name: "Arrow",
  summary: "Stream rows in the Arrow IPC format",
  parameters: ARROW_PARAMETERS,
  headers: ARROW_HEADERS,
  answers: {
    ...ANSWERS,
    200: ARROW_OK,
    406: problemAnswer(
      "Accept does not allow Arrow, or Accept-Encoding refuses every coding of this stream",
    ),
  },
  isKept: true,
});
