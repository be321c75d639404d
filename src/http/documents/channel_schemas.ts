// Parameters and answers of the routes that find channels: one table for the checks of channel_routes.ts and for OpenAPI.
import {
  DESCRIPTION_CHARS_MAX,
  UNIT_CHARS_MAX,
} from "../../channels/channel_note.ts";
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
import { TREND_NAMES } from "../../trends/trend_bins.ts";
import { REPLAY } from "./stream_parameters.ts";

/** Length of a name of 255 bytes when percent-encoded. */
export const AFTER_LENGTH_MAX = 3 * NAME_BYTES_MAX;
/** Longest item of a list. */
export const ITEM_LENGTH_MAX = 255;
export const LIMIT_DEFAULT = 1000;
export const LIMIT_MAX = 10_000;
export const ARROW = "application/vnd.apache.arrow.stream";

export const FILTERS: Parameters = {
  match: {
    type: "string",
    description: "RE2 expression that the beginning of the name must match",
    maxLength: EXPRESSION_LENGTH_MAX,
    examples: ["H1:QANAT-.*_F32"],
  },
  type: {
    type: "array",
    items: { type: "string", enum: DATA_TYPES },
    description: "Types of samples, `A,B`: channels of any of these types",
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
    description: "Ids of publishers, `A,B`: channels of any of these",
    examples: [["GWOSC"]],
  },
  ...REPLAY,
};

export const PAGING: Parameters = {
  limit: {
    type: "integer",
    description: "Most channels on a page",
    minimum: 1,
    maximum: LIMIT_MAX,
    default: LIMIT_DEFAULT,
    examples: [100],
    "x-unit": "channels",
  },
  after: {
    type: "string",
    description:
      "Only names after this one: `next` or `x-next-after` of the previous page",
    maxLength: AFTER_LENGTH_MAX,
    examples: ["H1:GWOSC-4KHZ_R1_STRAIN"],
  },
};

const CHANNEL: Schema = {
  type: "object",
  description: "A named time series",
  required: [
    "name",
    "data_type",
    "sample_rate",
    "publisher",
    "stride_ns",
    "max_latency_ns",
    "replay_id",
    "live",
    "unit",
    "description",
    "range",
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
      description: "Time span of one message",
      "x-unit": "ns",
      examples: [62_500_000],
    },
    max_latency_ns: {
      type: "integer",
      description:
        "The publisher promises each message within this time after the end of its span",
      "x-unit": "ns",
      examples: [1_000_000_000],
    },
    replay_id: {
      type: ["string", "null"],
      description: "Replay context; null for a live channel",
    },
    live: {
      type: "boolean",
      description:
        "False when the channel's topic is being read and has no new data, or when a replay is not being read",
    },
    unit: {
      type: ["string", "null"],
      description:
        "Of the samples; null where the operator has not noted one (--channel-notes)",
      maxLength: UNIT_CHARS_MAX,
    },
    description: {
      type: ["string", "null"],
      description: "What the channel is; null as for `unit`",
      maxLength: DESCRIPTION_CHARS_MAX,
    },
    range: {
      type: ["array", "null"],
      description:
        "The samples are usually from the first number to the second one, in the unit; null as for `unit`. In Arrow: `range_low` and `range_high`",
      items: { type: "number" },
      minItems: 2,
      maxItems: 2,
    },
  },
};

const TIME_OR_NULL: Schema = {
  type: ["string", "null"],
  pattern: String.raw`^\d{1,19}$`,
  "x-unit": "GPS ns",
};

const DESCRIBED_CHANNEL: Schema = {
  ...CHANNEL,
  description: "A channel, and since when it has data",
  required: [
    ...CHANNEL.required as readonly string[],
    "available_from_ns",
    "trends_from_ns",
  ],
  properties: {
    ...CHANNEL.properties as Parameters,
    available_from_ns: {
      ...TIME_OR_NULL,
      description:
        "The oldest time of which a range (`start`, `end`) can have rows, as it was at most some seconds ago; null where " +
        "it is not known now, or there are none",
      examples: ["1479465845437500000"],
    },
    trends_from_ns: {
      type: "object",
      description:
        "The beginning of the oldest bin by length; null where this channel's trends are not recorded",
      required: TREND_NAMES,
      properties: Object.fromEntries(
        TREND_NAMES.map((name) => [name, TIME_OR_NULL]),
      ),
    },
  },
};

/** Shared schemas by their names in the document. */
export const CHANNEL_SCHEMAS: Readonly<Record<string, Schema>> = {
  Channel: CHANNEL,
  DescribedChannel: DESCRIBED_CHANNEL,
};

const CHANNEL_REF: Schema = { $ref: "#/components/schemas/Channel" };

export const LIST_DOCUMENT: RouteDocument = {
  operationId: "listChannels",
  tag: "channels",
  summary: "List channels by name, in pages",
  query: { ...FILTERS, ...PAGING },
  answers: {
    200: {
      description: "A page, in Arrow with `Accept: " + ARROW + "`",
      headers: {
        "x-next-after": {
          type: "string",
          description:
            "`after` of the next page, percent-encoded; only on Arrow pages, and not on the last one",
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
              description: "`after` of the next page; null on the last page",
            },
          },
        },
        [ARROW]: {
          description:
            "One row per channel, with the fields of Channel as columns",
        },
      },
    },
    400: problemAnswer("A parameter is unknown or wrong"),
    406: problemAnswer("Accept refuses JSON and Arrow"),
    503: BUSY,
  },
};

export const COUNT_DOCUMENT: RouteDocument = {
  operationId: "countChannels",
  tag: "channels",
  summary: "Count the channels that match the filters",
  query: FILTERS,
  answers: {
    200: jsonAnswer("The number of channels", {
      type: "object",
      required: ["count"],
      properties: { count: { type: "integer", minimum: 0 } },
    }),
    400: problemAnswer("A parameter is unknown or wrong"),
    503: BUSY,
  },
};

export const NAME_DOCUMENT: RouteDocument = {
  operationId: "describeChannel",
  tag: "channels",
  summary: "Describe one channel",
  path: {
    name: {
      type: "string",
      description: "Name of the channel",
      examples: ["H1:GWOSC-4KHZ_R1_WHITENED"],
    },
  },
  query: REPLAY,
  answers: {
    200: jsonAnswer("The channel", {
      $ref: "#/components/schemas/DescribedChannel",
    }),
    400: problemAnswer("A parameter is unknown or wrong"),
    404: problemAnswer("There is no such channel; `near` has similar names"),
    503: BUSY,
  },
};
