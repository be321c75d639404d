// OpenAPI's description of the two stream routes.
import {
  type Answer,
  type Parameters,
  problemAnswer,
  type RouteDocument,
} from "./api_document.ts";
import { ARROW_TYPE, EVENT } from "./stream_messages.ts";
import {
  ARROW_PARAMETERS,
  bodySchemaOf,
  EVENTS_PARAMETERS,
} from "./stream_parameters.ts";

const RETRY_AFTER: Parameters = {
  "retry-after": {
    type: "integer",
    "x-unit": "s",
    description: "When to ask again",
  },
};

const REQUEST_HEADERS: Parameters = {
  "accept-encoding": {
    type: "string",
    description: "gzip: rows in JSON are packed, where they are long enough",
    examples: ["gzip"],
  },
  "last-event-id": {
    type: "string",
    description: "What an EventSource sends: `after`, and stronger than it",
    examples: ["1479469445500000000"],
    "x-unit": "GPS ns",
  },
};

/** OpenAPI's tools ignore a header parameter of the name `accept`, as they set it by the type of the answer. */
const ARROW_HEADERS: Parameters = {
  "accept": {
    type: "string",
    description:
      "With `codecs`: those of Arrow's buffer compression that the client reads, its favourite first (`zstd`, `lz4`); " +
      "the first one that there is here is used where it pays",
    examples: [`${ARROW_TYPE};codecs="zstd, lz4"`],
  },
  ...REQUEST_HEADERS,
  "accept-encoding": {
    type: "string",
    description:
      "What refuses `identity` is answered 406; `coding=gzip` asks for gzip",
    examples: ["identity"],
  },
};

const ANSWERS: RouteDocument["answers"] = {
  204: {
    description:
      "A bounded range that is resumed at its end: an EventSource stops asking",
  },
  400: problemAnswer(
    "A parameter, expression or range that is wrong; an empty or too large selection; rows that can be larger than 16 MiB",
  ),
  404: problemAnswer(
    "Channels (with `near` names) or a replay context that there are not",
  ),
  406: problemAnswer("Accept-Encoding refuses all that there is"),
  429: problemAnswer(
    "More streams of one address than are allowed, or than its share of what others leave",
    {
      headers: RETRY_AFTER,
      isNeverForHead: true,
    },
  ),
  503: problemAnswer(
    "Full: clients, memory, memory for trends, or histories at once; too many long requests or bodies at once",
    { headers: RETRY_AFTER },
  ),
};

const POSTED: RouteDocument["answers"] = {
  408: problemAnswer("The body has not come in time"),
  413: problemAnswer("The body is larger than 4 MiB"),
  415: problemAnswer("The body is not application/json"),
};

const EVENTS_OK: Answer = {
  description:
    "Events until the range is over or the client leaves; asyncapi.json has each event's schema",
  content: { "text/event-stream": EVENT },
};

const ARROW_OK: Answer = {
  description:
    "Arrow IPC: the schema, then one record batch a row, until the range is over or the client leaves",
  headers: {
    "content-disposition": {
      type: "string",
      description: "File name of a stream with `end` or `duration`",
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
        "Arrow IPC stream; `;codecs=zstd` or `;codecs=lz4` where buffers are compressed",
    },
  },
};

function streamDocument(
  name: "Events" | "Arrow",
  summary: string,
  parameters: Parameters,
): { readonly get: RouteDocument; readonly post: RouteDocument } {
  const answers = { ...ANSWERS, 200: name === "Events" ? EVENTS_OK : ARROW_OK };
  const headers = name === "Events" ? REQUEST_HEADERS : ARROW_HEADERS;
  const shared = { tag: "streams", headers } as const;
  return {
    get: {
      ...shared,
      operationId: `get${name}`,
      summary,
      query: parameters,
      answers,
    },
    post: {
      ...shared,
      operationId: `post${name}`,
      summary: `${summary}, for selections too long for a URL`,
      body: bodySchemaOf(parameters),
      answers: { ...answers, ...POSTED },
    },
  };
}

export const EVENTS_DOCUMENT = streamDocument(
  "Events",
  "Rows as Server-Sent Events",
  EVENTS_PARAMETERS,
);

export const ARROW_DOCUMENT = streamDocument(
  "Arrow",
  "Rows as an Arrow IPC stream",
  ARROW_PARAMETERS,
);
