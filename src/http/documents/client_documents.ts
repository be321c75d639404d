// OpenAPI's description of the routes that list clients and end one of them.
import { STREAM_FORMATS } from "../../frames/stream_format.ts";
import {
  BUSY,
  jsonAnswer,
  type Parameters,
  problemAnswer,
  type RouteDocument,
  type Schema,
} from "./api_document.ts";
import { counted, objectOf } from "./schema_parts.ts";

export const CLIENTS_LIMIT_DEFAULT = 200;
export const CLIENTS_LIMIT_MAX = 1000;
export const CLIENT_ID_LENGTH_MAX = 32;
/** A JWT's issuer and subject may be long. */
export const OWNER_LENGTH_MAX = 1000;

export const CLIENTS_QUERY: Parameters = {
  limit: {
    type: "integer",
    description: "Most clients on a page",
    minimum: 1,
    maximum: CLIENTS_LIMIT_MAX,
    default: CLIENTS_LIMIT_DEFAULT,
    examples: [100],
    "x-unit": "clients",
  },
  after: {
    type: "integer",
    description: "`next` of the previous page",
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    examples: [200],
    "x-unit": "clients",
  },
  owner: {
    type: "string",
    description: "Only clients of this owner",
    maxLength: OWNER_LENGTH_MAX,
    examples: ["token:alice"],
  },
  address: {
    type: "string",
    description: "Only clients of this address",
    maxLength: OWNER_LENGTH_MAX,
    examples: ["192.0.2.1"],
  },
};

const TEXT: Schema = { type: "string" };
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };

const CLIENT = objectOf({
  id: { ...TEXT, description: "Names the client in `DELETE`; random" },
  owner: {
    ...TEXT_OR_NULL,
    description: "Owner of its token; null without authentication",
  },
  address: TEXT,
  request_id: TEXT_OR_NULL,
  format: { type: "string", enum: Object.keys(STREAM_FORMATS) },
  coding: { type: "string", enum: ["identity", "gzip"] },
  trend: { ...TEXT_OR_NULL, description: "Length of its bins" },
  channels: objectOf({
    count: counted("channels"),
    first: { type: "array", items: TEXT, description: "The first names" },
  }),
  replay: { ...TEXT_OR_NULL, description: "Replay context" },
  phase: {
    type: "string",
    enum: ["starting", "waiting", "history", "behind", "live"],
    description:
      "`starting`: its first row is not known yet; `waiting`: it waits for a reader of history; `history`: it reads history; `behind`: it catches up from the page ring; `live`: it has every row",
  },
  slow: {
    type: "boolean",
    description: "It could not take a row, and has not caught up since",
  },
  rows: counted("rows"),
  bytes: counted("bytes"),
  gaps: counted("gaps"),
  lag: {
    ...objectOf({
      rows: { type: ["integer", "null"], "x-unit": "rows" },
      seconds: { type: ["number", "null"], "x-unit": "s" },
    }),
    description:
      "Newest rows of its channels that it has not been sent; null while its first row is not known",
  },
  since: { type: "string", format: "date-time" },
  open_s: { type: "number", "x-unit": "s" },
});

const PAGE = {
  open: counted("clients", "All open streams"),
  next: {
    type: ["integer", "null"],
    description: "`after` of the next page; null for the last page",
  },
  clients: { type: "array", items: CLIENT },
} as const;

const FORBIDDEN = problemAnswer(
  "The token does not have the right `qanat.operate`, or the instance has neither authentication nor a port for operators",
);

export const CLIENTS_DOCUMENT: RouteDocument = {
  operationId: "listClients",
  tag: "operators",
  summary: "List the open streams, in the order in which they opened",
  query: CLIENTS_QUERY,
  answers: {
    200: jsonAnswer(
      "A page",
      {
        ...objectOf(PAGE),
        properties: {
          ...PAGE,
          no_answer_from: {
            type: "array",
            items: TEXT,
            description:
              "With several workers: those that did not answer within a second; the list is without their clients",
          },
        },
      },
    ),
    400: problemAnswer("A parameter is wrong"),
    403: FORBIDDEN,
    503: BUSY,
  },
};

export const CLIENT_DOCUMENT: RouteDocument = {
  operationId: "endClient",
  tag: "operators",
  summary: "End one stream",
  description:
    "Its last event is `end` with the reason `closed-by-operator`. Its client may open another stream.",
  path: {
    id: {
      type: "string",
      description: "`id` of the list",
      examples: ["9f86d081884c7d65"],
    },
  },
  answers: {
    204: { description: "The stream has ended" },
    403: FORBIDDEN,
    404: problemAnswer("No open stream has this id"),
    503: BUSY,
  },
};
