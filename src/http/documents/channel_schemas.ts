// Parameters and answers of the routes that find channels: one table for the checks of channel_routes.ts and for OpenAPI.
import { EXPRESSION_LENGTH_MAX } from "../../channels/expression.ts";
import { NAME_BYTES_MAX } from "../../channels/near_names.ts";
import { DATA_TYPES } from "../../channels/channel.ts";
import {
  BUSY,
  jsonAnswer,
  type Parameters,
  problemAnswer,
  type RouteDocument,
  type Schema,
} from "./api_document.ts";
import { REPLAY_LENGTH_MAX } from "./stream_parameters.ts";

/** Length of a name of 255 bytes when percent-encoded. */
export const AFTER_LENGTH_MAX = 3 * NAME_BYTES_MAX;
/** Longest item of a list. */
export const ITEM_LENGTH_MAX = 255;
export const LIMIT_DEFAULT = 1000;
export const LIMIT_MAX = 10_000;
export const ARROW = "application/vnd.apache.arrow.stream";

const REPLAY: Parameters = {
  replay: {
    type: "string",
    description: "A replay context; without it (or empty), live channels",
    maxLength: REPLAY_LENGTH_MAX,
    default: "",
    examples: [""],
  },
};

export const FILTERS: Parameters = {
  match: {
    type: "string",
    description: "RE2 expression, anchored at the start of the name",
    maxLength: EXPRESSION_LENGTH_MAX,
    examples: ["H1:QANAT-.*_F32"],
  },
  type: {
    type: "array",
    items: { type: "string", enum: DATA_TYPES },
    description: "Types of sample, `A,B`; any of them",
    minItems: 1,
    examples: [["float32", "int64"]],
  },
  min_rate: {
    type: "number",
    description: "Lowest sample rate, inclusive",
    examples: [16],
    "x-unit": "Hz",
  },
  max_rate: {
    type: "number",
    description: "Highest sample rate, inclusive",
    examples: [16384],
    "x-unit": "Hz",
  },
  publisher: {
    type: "array",
    items: { type: "string", maxLength: ITEM_LENGTH_MAX },
    description: "Ids of publishers, `A,B`; any of them",
    examples: [["GWOSC"]],
  },
  ...REPLAY,
};

export const PAGING: Parameters = {
  limit: {
    type: "integer",
    description: "Length of the page",
    minimum: 1,
    maximum: LIMIT_MAX,
    default: LIMIT_DEFAULT,
    examples: [100],
    "x-unit": "channels",
  },
  after: {
    type: "string",
    description:
      "`next` of the page before, or its `x-next-after`: names behind it",
    maxLength: AFTER_LENGTH_MAX,
    examples: ["H1:GWOSC-4KHZ_R1_STRAIN"],
  },
};

const CHANNEL: Schema = {
  type: "object",
  description: "A named series",
  required: [
    "name",
    "data_type",
    "sample_rate",
    "publisher",
    "stride_ns",
    "max_latency_ns",
    "replay_id",
    "live",
  ],
  properties: {
    name: { type: "string", examples: ["H1:GWOSC-4KHZ_R1_WHITENED"] },
    data_type: { type: "string", enum: DATA_TYPES },
    sample_rate: {
      type: "number",
      exclusiveMinimum: 0,
      "x-unit": "Hz",
      examples: [4096],
    },
    publisher: { type: "string", examples: ["GWOSC"] },
    stride_ns: {
      type: "integer",
      description: "Time span of one block",
      "x-unit": "ns",
      examples: [62_500_000],
    },
    max_latency_ns: {
      type: "integer",
      description: "By when after its end a block is promised",
      "x-unit": "ns",
      examples: [1_000_000_000],
    },
    replay_id: { type: ["string", "null"], description: "Replay context" },
    live: {
      type: "boolean",
      description:
        "False only for a partition that is read and silent, or a replay that is not read",
    },
  },
};

/** Shared schemas by their names in the document. */
export const CHANNEL_SCHEMAS: Readonly<Record<string, Schema>> = {
  Channel: CHANNEL,
};

const CHANNEL_REF: Schema = { $ref: "#/components/schemas/Channel" };

export const LIST_DOCUMENT: RouteDocument = {
  operationId: "listChannels",
  tag: "channels",
  summary: "Channels, sorted by name, a page at a time",
  query: { ...FILTERS, ...PAGING },
  answers: {
    200: {
      description: "A page. `Accept: " + ARROW + "` gives it as Arrow",
      headers: {
        "x-next-after": {
          type: "string",
          description:
            "Of an Arrow page that is not the last: the next `after`, percent-encoded where it is not plain ASCII",
        },
      },
      content: {
        "application/json": {
          type: "object",
          required: ["channels", "next"],
          properties: {
            channels: { type: "array", items: CHANNEL_REF },
            next: {
              type: ["string", "null"],
              description: "`after` of the next page; null on the last",
            },
          },
        },
        [ARROW]: {
          description: "A row a channel, with the columns of Channel",
        },
      },
    },
    400: problemAnswer("A parameter that is unknown or wrong"),
    503: BUSY,
  },
};

export const COUNT_DOCUMENT: RouteDocument = {
  operationId: "countChannels",
  tag: "channels",
  summary: "How many channels pass the filters",
  query: FILTERS,
  answers: {
    200: jsonAnswer("The number", {
      type: "object",
      required: ["count"],
      properties: { count: { type: "integer", minimum: 0 } },
    }),
    400: problemAnswer("A parameter that is unknown or wrong"),
    503: BUSY,
  },
};

export const NAME_DOCUMENT: RouteDocument = {
  operationId: "describeChannel",
  tag: "channels",
  summary: "One channel",
  path: {
    name: {
      type: "string",
      description: "Name of the channel",
      examples: ["H1:GWOSC-4KHZ_R1_WHITENED"],
    },
  },
  query: REPLAY,
  answers: {
    200: jsonAnswer("The channel", CHANNEL_REF),
    400: problemAnswer("A parameter that is unknown"),
    404: problemAnswer("No such channel; `near` has names like it"),
    503: BUSY,
  },
};
