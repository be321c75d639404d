// OpenAPI's description of the routes for relays. They exist where --relay-streams-max is above 0.
import { TOPICS_MAX } from "../../relay/topic_request.ts";
import { BLOCKS_CONTENT_TYPE } from "../../relay/wire.ts";
import {
  problemAnswer,
  RETRY_AFTER,
  type RouteDocument,
  type Schema,
} from "./api_document.ts";
import { objectOf } from "./schema_parts.ts";

const WIRE =
  "The body is a sequence of frames (docs/protocol.md, Blocks for relays). With authentication it needs the right " +
  "`qanat.relay`. It ends with a frame `end` that has the reason.";

const TIME: Schema = {
  type: "number",
  minimum: 0,
  exclusiveMaximum: 1e15,
  "x-unit": "GPS ms",
};

const TOPIC: Schema = {
  type: "object",
  required: ["topic"],
  properties: {
    topic: { type: "string", minLength: 1, maxLength: 512 },
    since_ms: { ...TIME, description: "Time of the first block" },
    last_ms: {
      ...TIME,
      "x-unit": "ms",
      description: "Instead: the age of the first block, before the newest one",
    },
    new: {
      type: "boolean",
      default: false,
      description:
        "Of a history: the log is read as it is now, so nothing that was deleted since another reading comes",
    },
  },
  oneOf: [{ required: ["since_ms"] }, { required: ["last_ms"] }],
};

const BODY: Schema = {
  ...objectOf({
    topics: {
      type: "array",
      items: TOPIC,
      minItems: 1,
      maxItems: TOPICS_MAX,
      description: "Topics, each once",
    },
  }),
  examples: [{
    topics: [{ topic: "arrakis-H1_QANAT", since_ms: 1_479_469_375_000 }],
  }],
};

const FRAMES: RouteDocument["answers"] = {
  200: {
    description: "Frames, until one side ends the stream",
    content: {
      [BLOCKS_CONTENT_TYPE]: { type: "string", format: "binary" },
    },
  },
  406: problemAnswer(
    "`Accept` names no version that this instance has; `versions` lists them",
  ),
  429: problemAnswer(
    "The address or owner has its share of the streams for relays",
    { headers: RETRY_AFTER, isNeverForHead: true },
  ),
  503: problemAnswer(
    "All streams for relays are in use (`--relay-streams-max`), or a shutdown has begun",
    { headers: RETRY_AFTER, isNeverForHead: true },
  ),
};

const ASKED: RouteDocument["answers"] = {
  ...FRAMES,
  400: problemAnswer("The body is wrong"),
  413: problemAnswer("The body is too large"),
  415: problemAnswer("The body is not `application/json`"),
};

export const BLOCKS_DOCUMENT: RouteDocument = {
  operationId: "blocks",
  tag: "relays",
  summary: "Read whole blocks: those in memory, then each as it comes",
  description:
    `${WIRE} A topic that is unknown, or that may not be read as a whole, has no position in its frame \`topic\`.`,
  body: BODY,
  answers: ASKED,
};

export const BLOCK_HISTORY_DOCUMENT: RouteDocument = {
  operationId: "blockHistory",
  tag: "relays",
  summary: "Read older blocks from the source, at the reader's pace",
  description: WIRE,
  body: BODY,
  answers: { ...ASKED, 404: problemAnswer("A topic does not exist") },
};

export const BLOCK_CHANNELS_DOCUMENT: RouteDocument = {
  operationId: "blockChannels",
  tag: "relays",
  summary: "Read all channels, then those of each topic that changes",
  description: WIRE,
  answers: FRAMES,
};
