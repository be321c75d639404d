// The schemas of what /v1/status answers about the source, and about relays: at a relay, and where it reads from.
import { UPSTREAM_FAILURES } from "../../relay/upstream_error.ts";
import type { Schema } from "./api_document.ts";
import { counted, COUNTERS, number, objectOf } from "./schema_parts.ts";

/** `source.upstreams`. */
const UPSTREAMS: Schema = {
  type: "array",
  items: objectOf({
    upstream: { type: "string", description: "HOST:PORT" },
    used: { type: "boolean", description: "It is used, or tried next" },
    state: { type: "string", enum: ["idle", "connected", "failed"] },
    since_ms: number("Unix ms", "Since when it has this state"),
    kind: {
      type: ["string", "null"],
      enum: [...UPSTREAM_FAILURES, null],
      description: "Why it failed last; null while it is connected",
    },
    reason: {
      type: ["string", "null"],
      description: "The same in words, and what to do",
    },
    history_refusal: {
      type: ["string", "null"],
      description: "Why it gives no history now; null where it does",
    },
    delay_ms: {
      type: ["number", "null"],
      "x-unit": "ms",
      description: "How long what it sends is on its way, at most",
    },
  }),
  description: "Of a relay: the instances that it reads from",
};

const SOURCE_FIELDS = {
  kind: { type: "string", enum: ["kafka", "embedded", "upstream"] },
  ready: { type: "boolean", description: "Metadata has been read once" },
  reachable: { type: "boolean" },
  last_contact_ms: number(
    "Unix ms",
    "Time of the last successful answer of the source; 0 before the first one",
  ),
  unreachable: {
    type: "array",
    items: { type: "string" },
    description:
      "Addresses of brokers, as the cluster advertises them, that Qanat reads from and cannot reach",
  },
  wide_topics: {
    type: "number",
    description: "Topics with more than one Kafka partition",
  },
  topics: {
    type: "array",
    items: objectOf({
      topic: { type: "string" },
      state: {
        type: "string",
        enum: ["starting", "reading", "behind", "unreachable", "missing"],
      },
      position: { type: "number", description: "Next offset to read, or -1" },
      high_watermark: { type: "number" },
      last_stable_offset: {
        type: "number",
        description:
          "Offset up to which messages are read: those from here to high_watermark follow an open transaction",
      },
      partitions: {
        type: "number",
        description:
          "Kafka partitions of the topic; if there are several, only partition 0 is read, and the data of the others is missing",
      },
    }),
  },
  counters: COUNTERS,
};
/** `source`. */
export const SOURCE: Schema = {
  ...objectOf(SOURCE_FIELDS),
  properties: { ...SOURCE_FIELDS, upstreams: UPSTREAMS },
};

/** `relays`. */
export const RELAYS: Schema = {
  ...objectOf({
    block_streams: counted("streams", "Of live blocks"),
    channel_streams: counted("streams", "One of each relay"),
    history_streams: counted("streams"),
    streams_max: counted("streams", "--relay-streams-max"),
    sent_bytes: counted("bytes"),
    refused: {
      ...COUNTERS,
      description: "Refused streams since the start, by limit",
    },
    ended: {
      ...COUNTERS,
      description: "Ended streams since the start, by reason",
    },
  }),
  description: "Streams to relays; absent without `--relay-streams-max`",
};
