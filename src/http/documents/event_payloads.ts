// Schemas of the data of the events of a stream.
import { DATA_TYPES } from "../../channels/channel.ts";
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
    encoding: { type: "string", enum: ["json", "arrow"] },
    stride_ns: {
      type: "integer",
      exclusiveMinimum: 0,
      description: "Time span of a row",
      "x-unit": "ns",
    },
    trend: {
      type: "string",
      enum: TREND_NAMES,
      description: "With `trend=`: each row is a bin",
    },
    selection: {
      type: "string",
      const: "fixed",
      description: "It is made when the stream opens",
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
        },
      },
    },
    schema: {
      type: "string",
      contentEncoding: "base64",
      description: "With `encoding=arrow`: Arrow's schema message",
    },
  },
};

const SAMPLE: Schema = {
  anyOf: [
    { type: ["number", "null"] },
    { type: "string", pattern: String.raw`^-?\d{1,19}$` },
  ],
};

export const ROW: Schema = {
  type: "object",
  required: ["time", "channels"],
  properties: {
    time: { ...GPS_NS, description: "Start of the row; the id is its end" },
    channels: {
      type: "object",
      description:
        "Samples by name. 64-bit integers are text; NaN, infinities and missing samples are null; " +
        "a channel that is missing as a whole is null",
      additionalProperties: {
        type: ["array", "null"],
        items: SAMPLE,
      },
    },
    missing: {
      type: "object",
      description: "Why a channel is null, when its block is what is missing",
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
      description: "By name; null where nothing of a channel came",
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
            description:
              "Samples counted: NaN and what is missing are left out",
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
      description: "Null when it is not known",
    },
    to: GPS_NS,
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
      description: "Rows of nulls follow for the span; they carry the ids",
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
        "changed",
        "removed",
        "time-reset",
        "gap",
        "slow",
        "error",
      ],
    },
  },
};
