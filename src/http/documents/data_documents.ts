// OpenAPI's description of /v1/data.
import { problemAnswer, type RouteDocument } from "./api_document.ts";
import { DATA_PARAMETERS, LINE_TYPES } from "./data_parameters.ts";
import {
  ANSWERS,
  RANGE_HEADERS,
  selectingDocuments,
} from "./stream_documents.ts";

const CSV =
  "The columns `time` (ISO 8601 UTC), `gps_ns`, one for each channel (with `trend`, `NAME.min`, `NAME.mean`, `NAME.max` " +
  "and `NAME.count`), and `status`: `ok`, or why cells are empty. A line whose status has a span reports a gap. With " +
  "`format=gwpy`: GPS seconds and the value, and lines of comments that begin with `#`";
const NDJSON =
  "In each line an object with `time`, `gps_ns`, `channels` and, where a channel is null, `missing`; or with `gap`; the " +
  "last line has `end`. 64-bit integers are strings, and so are `NaN`, `Infinity` and `-Infinity`";

const { 204: _, ...REFUSALS } = ANSWERS;

const DATA_ANSWERS: RouteDocument["answers"] = {
  ...REFUSALS,
  200: {
    description:
      "The rows of the range, one line for each sample. A body that ends properly is the whole range; any other breaks off",
    headers: {
      ...RANGE_HEADERS,
      "content-disposition": {
        type: "string",
        description: "A name for the file",
      },
      "content-encoding": {
        type: "string",
        enum: ["gzip"],
        description: "Where `Accept-Encoding` prefers it",
      },
    },
    content: Object.fromEntries(
      Object.entries(LINE_TYPES).map(([type, format]) => [
        type,
        { type: "string", description: format === "csv" ? CSV : NDJSON },
      ]),
    ),
  },
  400: problemAnswer(
    "A parameter, expression or range is wrong; the range has no end; the channels have different sample rates; the " +
      "selection is empty or too large; rows could be larger than 16 MiB",
  ),
  406: problemAnswer(
    "Accept allows none of the types, or Accept-Encoding refuses `identity` and `gzip`",
  ),
};

export const DATA_DOCUMENT = selectingDocuments({
  name: "Data",
  summary: "Read a range as CSV or as lines of JSON",
  parameters: DATA_PARAMETERS,
  headers: {
    "accept": {
      type: "string",
      description: `Without \`format\`: ${
        Object.keys(LINE_TYPES).join(", ")
      }; the most preferred one is sent`,
      examples: ["text/csv"],
    },
    "accept-encoding": {
      type: "string",
      description:
        "With `gzip` the body is compressed, unless rows are so short that it saves nothing",
      examples: ["gzip"],
    },
  },
  answers: DATA_ANSWERS,
  isKept: true,
});
