// Schemas of the data of the events of a stream.
import { DATA_TYPES } from "../../channels/channel.ts";
import { ROW_ENCODINGS } from "../../frames/stream_format.ts";
import { TREND_NAMES } from "../../trends/trend_bins.ts";
import type { Schema } from "./api_document.ts";

export const GPS_NS: Schema = {
  type: "string",
  pattern: String.raw`^\d{1,19}$`,
  "x-unit": "GPS ns",
  examples: ["1479469445437500000"],
};

export const HELLO: Schema = {
  type: "object",
  required: ["version", "encoding", "stride_ns", "selection", "channels"],
  properties: {
    version: { type: "integer", const: 1 },
    encoding: { type: "string", enum: ROW_ENCODINGS },
    stride_ns: {
      type: "integer",
      exclusiveMinimum: 0,
      description: "Time span of a row",
      "x-unit": "ns",
    },
    trend: {
      type: "string",
      enum: TREND_NAMES,
      description: "With `trend=`: length of the bins that are sent as rows",
    },
    selection: {
      type: "string",
      const: "fixed",
      description: "The channels are selected when the stream opens",
    },
    channels: {
      type: "array",
      description: "Sorted by name",
      items: {
        type: "object",
        required: ["name", "data_type", "sample_rate"],
        properties: {
          name: { type: "string" },
          data_type: { type: "string", enum: DATA_TYPES },
          sample_rate: { type: "number", "x-unit": "Hz" },
          unit: {
            type: "string",
            description: "Of the samples, where the operator has noted one",
          },
        },
      },
    },
    schema: {
      type: "string",
      contentEncoding: "base64",
      description: "With `encoding=arrow`: the Arrow schema message",
    },
  },
};

const SAMPLE: Schema = {
  anyOf: [
    { type: ["number", "null"] },
    { type: "string", pattern: String.raw`^-?\d{1,20}$` },
  ],
};

export const ROW: Schema = {
  type: "object",
  required: ["time", "channels"],
  properties: {
    time: {
      ...GPS_NS,
      description: "Start of the row; the id of the event is its end",
    },
    channels: {
      type: "object",
      description:
        "Samples by channel. 64-bit integers are text; NaN, infinities and missing samples are null; " +
        "a channel without any data in the row is null",
      additionalProperties: {
        type: ["array", "null"],
        items: SAMPLE,
      },
    },
    missing: {
      type: "object",
      description:
        "Why a channel is null, where its message is missing as a whole",
      additionalProperties: {
        type: "string",
        enum: ["late", "unreachable", "missing", "future"],
      },
    },
  },
};

export const BIN: Schema = {
  type: "object",
  required: ["time", "bin_ns", "channels"],
  properties: {
    time: { ...GPS_NS, description: "Start of the bin" },
    bin_ns: { type: "integer", exclusiveMinimum: 0, "x-unit": "ns" },
    channels: {
      type: "object",
      description: "By channel; null for a channel without any data",
      additionalProperties: {
        type: ["object", "null"],
        required: ["min", "mean", "max", "count"],
        properties: {
          min: { ...SAMPLE, description: "64-bit integers are text" },
          mean: { type: ["number", "null"] },
          max: SAMPLE,
          count: {
            type: "integer",
            minimum: 0,
            description: "Number of samples, without NaN and missing ones",
            "x-unit": "samples",
          },
        },
      },
    },
    missing: {
      type: "object",
      description: "Why a channel is null",
      additionalProperties: {
        type: "string",
        enum: ["missing", "not-recorded", "retention"],
      },
    },
  },
};

export const GAP: Schema = {
  type: "object",
  required: ["from", "to", "reason", "filled"],
  properties: {
    from: {
      ...GPS_NS,
      type: ["string", "null"],
      description: "Start of the gap; null when it is not known",
    },
    to: { ...GPS_NS, description: "End of the gap, exclusive" },
    reason: {
      type: "string",
      enum: [
        "missing",
        "slow",
        "retention",
        "unknown-id",
        "stride-changed",
        "time-reset",
        "future",
        "not-recorded",
      ],
    },
    filled: {
      type: "boolean",
      description:
        "Whether rows of nulls follow for this span; then these have the ids",
    },
  },
};

export const END: Schema = {
  type: "object",
  required: ["reason"],
  properties: {
    reason: {
      type: "string",
      enum: [
        "complete",
        "drain",
        "age",
        "changed",
        "removed",
        "time-reset",
        "gap",
        "slow",
        "error",
        "closed-by-operator",
      ],
    },
  },
};
