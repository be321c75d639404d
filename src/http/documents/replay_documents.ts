// Parameters and answer of the route that lists the replay contexts.
import {
  BUSY,
  jsonAnswer,
  type Parameters,
  problemAnswer,
  type RouteDocument,
} from "./api_document.ts";
import { PAGING } from "./channel_schemas.ts";
import { REPLAY_LENGTH_MAX } from "./stream_parameters.ts";

export const REPLAY_PAGING: Parameters = {
  limit: {
    ...PAGING.limit,
    description: "Most contexts on a page",
    "x-unit": "contexts",
  },
  after: {
    type: "string",
    description: "Only contexts after this one: `next` of the previous page",
    maxLength: REPLAY_LENGTH_MAX,
    examples: ["O4-REPLAY"],
  },
};

export const REPLAYS_DOCUMENT: RouteDocument = {
  operationId: "listReplays",
  tag: "channels",
  summary: "List the replay contexts that have channels, in pages",
  query: REPLAY_PAGING,
  answers: {
    200: jsonAnswer("A page", {
      type: "object",
      required: ["replays", "next"],
      properties: {
        replays: {
          type: "array",
          items: {
            type: "object",
            required: ["replay_id", "channels"],
            properties: {
              replay_id: {
                type: "string",
                description: "Value of `replay=`",
                examples: ["O4-REPLAY"],
              },
              channels: {
                type: "integer",
                description: "Channels that you may read",
                minimum: 0,
                "x-unit": "channels",
              },
            },
          },
        },
        next: {
          type: ["string", "null"],
          description: "`after` of the next page; null on the last page",
        },
      },
    }),
    400: problemAnswer("A parameter is unknown or wrong"),
    503: BUSY,
  },
};
