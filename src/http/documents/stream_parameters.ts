// The parameters of the routes that answer with rows: one table for the checks of stream_request.ts, for OpenAPI and for AsyncAPI.
// Invariant: a name that is not in the table is refused, and every name in it is documented.
import { EXPRESSION_LENGTH_MAX } from "../../channels/expression.ts";
import { NAME_BYTES_MAX } from "../../channels/near_names.ts";
import { LINE_FORMATS, ROW_ENCODINGS } from "../../frames/stream_format.ts";
import { contentOf } from "./encoding_messages.ts";
import { TREND_NAMES } from "../../trends/trend_bins.ts";
import type { Parameters, Schema } from "./api_document.ts";

const CODINGS = ["identity", "gzip"] as const;
const LATEST = ["0", "1"] as const;
const UNITS = ["0", "1"] as const;
const ERRORS = ["status", "event"] as const;
const GAPS = ["fill", "skip", "fail"] as const;
const SLOW = ["gap", "latest", "close", "trend"] as const;
/** Longest `duration`, s. */
export const DURATION_MAX_S = 1e9;

/** Longest name of a replay context. */
export const REPLAY_LENGTH_MAX = 255;
/** Longest id that a client may resume after. */
const ID_LENGTH_MAX = 255;
/** Longest text of a number, or of a parameter with a few values; a text that is shorter and wrong is refused as such. */
const CHOICE_LENGTH_MAX = 4096;

const TIME: Schema = {
  type: "string",
  pattern: String
    .raw`^(\d{1,10}(\.\d{0,9})?|\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z|now|-\d{1,10}(\.\d{1,9})?[smhd]?)$`,
  examples: ["1126259462.42", "2015-09-14T09:50:45.4Z", "-60", "-2h"],
  "x-unit": "GPS s, ISO 8601 UTC, or s before now",
};

/** The parameter of all routes that read the channels of a context. */
export const REPLAY = {
  replay: {
    type: "string",
    description: "Replay context; without it, or empty: live channels",
    maxLength: REPLAY_LENGTH_MAX,
    default: "",
    examples: [""],
  },
} satisfies Parameters;

/** Every parameter of the routes whose answers are rows. */
export const ALL = {
  channels: {
    type: "array",
    description: "Names of channels, `A,B`; may be repeated",
    items: { type: "string", maxLength: NAME_BYTES_MAX },
    examples: [["H1:GWOSC-4KHZ_R1_WHITENED", "H1:QANAT-SINE_F32_16"]],
  },
  match: {
    type: "string",
    description:
      "Selects the channels whose names begin with a match of this RE2 expression, in addition to `channels`. " +
      "An empty expression selects nothing",
    maxLength: EXPRESSION_LENGTH_MAX,
    examples: ["H1:QANAT-SINE"],
  },
  ...REPLAY,
  start: {
    ...TIME,
    description: "Start of the range; without it, rows from now on",
  },
  end: {
    ...TIME,
    description:
      "End of the range, exclusive; give `end` or `duration`, not both",
  },
  duration: {
    type: "number",
    description: "Length of the range, from `start` or, without it, from now",
    exclusiveMinimum: 0,
    maximum: DURATION_MAX_S,
    examples: [2, 0.5],
    "x-unit": "s",
  },
  after: {
    type: "string",
    description:
      "Resume after this event id, or after this time (the end of the last row received). The header " +
      "`Last-Event-ID` overrides it, as does `lastEventId` (or `last-event-id`, in any case), which client libraries " +
      "add to the query. An id that cannot be read is reported by a gap of reason `unknown-id`",
    maxLength: ID_LENGTH_MAX,
    examples: ["1479469445500000000"],
    "x-unit": "GPS ns",
  },
  latest: {
    type: "string",
    enum: LATEST,
    default: "0",
    description:
      "`1` begins with the newest row that the server holds, at once, and continues with the rows after it. The newest " +
      "row is the newest one that has a block of all channels; if none of the newest 64 rows has, the newest one that " +
      "has any. Not with `start`; an id to resume after overrides it",
    examples: ["1"],
  },
  gaps: {
    type: "string",
    enum: GAPS,
    default: "fill",
    description:
      "For missing rows: `fill` sends them with nulls, `skip` leaves them out, `fail` ends the stream",
    examples: ["skip"],
  },
  slow: {
    type: "string",
    enum: SLOW,
    default: "gap",
    description:
      "For a client that cannot keep up: `gap` reports the rows that it lost, `latest` jumps to the newest row, " +
      "`close` ends the stream, `trend` (/v1/events only, not with `trend=`) sends trends of the rows that it lost",
    examples: ["latest"],
  },
  trend: {
    type: "string",
    enum: TREND_NAMES,
    description:
      "Sends minimum, mean, maximum and count of each bin of this length instead of samples",
    examples: ["1s", "60s"],
  },
  encoding: {
    type: "string",
    enum: ROW_ENCODINGS,
    default: "json",
    description: `Encoding of a row in \`data:\`: ${
      ROW_ENCODINGS.map(contentOf).join(", or ")
    }`,
    examples: ["arrow"],
  },
  coding: {
    type: "string",
    enum: CODINGS,
    default: "identity",
    description:
      "Coding of the body: `gzip` compresses it (`Accept-Encoding` does not). Alternatively list `codecs` in `Accept`; " +
      "not both",
    examples: ["gzip"],
  },
  errors: {
    type: "string",
    enum: ERRORS,
    default: "status",
    description:
      "`event` sends a problem as `event: error` in a stream of status 200 that then ends, since an `EventSource` " +
      "cannot read the body of an error",
    examples: ["event"],
  },
  format: {
    type: "string",
    enum: LINE_FORMATS,
    description:
      "`csv`: with a heading; `ndjson`: a JSON object in each line; `gwpy`: CSV of one channel without a heading, with " +
      "times in GPS seconds, as gwpy and numpy.loadtxt read it. Without it, `Accept` chooses; without that, `csv`",
    examples: ["csv", "ndjson"],
  },
  units: {
    type: "string",
    enum: UNITS,
    default: "0",
    description:
      "`1` adds the units of the channels, as the operator has noted them: in CSV and for gwpy `NAME [UNIT]` in the " +
      "heading, in JSON a first line `units`",
    examples: ["1"],
  },
} satisfies Parameters;

/** Name of a parameter that a stream may be given. */
export type StreamParameter = keyof typeof ALL;

/** Parameters of /v1/events, whose coding is chosen by Accept-Encoding. */
export const EVENTS_PARAMETERS: Parameters = without(
  "coding",
  "format",
  "units",
);

/** Parameters of /v1/latest, which answers with one row. */
export const LATEST_PARAMETERS: Parameters = {
  channels: ALL.channels,
  match: ALL.match,
  replay: ALL.replay,
  trend: ALL.trend,
};

/** Parameters of /v1/arrow, which is always Arrow. */
export const ARROW_PARAMETERS: Parameters = {
  ...without("encoding", "errors", "format", "units"),
  slow: { ...ALL.slow, enum: SLOW.filter((name) => name !== "trend") },
};

function without(...left: readonly StreamParameter[]): Parameters {
  return Object.fromEntries(
    Object.entries(ALL).filter(([name]) =>
      !left.includes(name as StreamParameter)
    ),
  );
}

/** All names. */
export const STREAM_PARAMETER_NAMES = Object.keys(
  ALL,
) as readonly StreamParameter[];

/** Longest text of each parameter except `channels`. */
export const STREAM_PARAMETER_LENGTHS: Readonly<
  Record<Exclude<StreamParameter, "channels">, number>
> = {
  match: EXPRESSION_LENGTH_MAX,
  replay: REPLAY_LENGTH_MAX,
  start: CHOICE_LENGTH_MAX,
  end: CHOICE_LENGTH_MAX,
  duration: CHOICE_LENGTH_MAX,
  after: ID_LENGTH_MAX,
  latest: CHOICE_LENGTH_MAX,
  gaps: CHOICE_LENGTH_MAX,
  slow: CHOICE_LENGTH_MAX,
  trend: CHOICE_LENGTH_MAX,
  encoding: CHOICE_LENGTH_MAX,
  coding: CHOICE_LENGTH_MAX,
  errors: CHOICE_LENGTH_MAX,
  format: CHOICE_LENGTH_MAX,
  units: CHOICE_LENGTH_MAX,
};

/** Schema of the JSON body of a POST: the same names, with times also as numbers, in the precision of a double. */
export function bodySchemaOf(parameters: Parameters): Schema {
  const hasRange = "start" in parameters;
  const [example] = parameters.match!.examples as string[];
  const time = {
    type: ["string", "number"],
    // Seconds before now.
    minimum: -9_999_999_999,
    maximum: 9_999_999_999,
  };
  const properties: Record<string, Schema> = { ...parameters };
  for (const name of hasRange ? ["start", "end"] : []) {
    properties[name] = { ...properties[name], ...time };
  }
  return {
    type: "object",
    properties,
    additionalProperties: false,
    anyOf: [
      { required: ["channels"], properties: { channels: { minItems: 1 } } },
      { required: ["match"] },
    ],
    ...(hasRange ? { not: { required: ["end", "duration"] } } : {}),
    examples: hasRange
      ? [
        { channels: ["H1:GWOSC-4KHZ_R1_WHITENED"], duration: 2 },
        { match: example, duration: 1, gaps: "skip" },
      ]
      : [{ channels: ["H1:GWOSC-4KHZ_R1_WHITENED"] }],
  };
}
