// The schema of the JSON that /v1/status answers.
import { CHANNEL_REFUSALS } from "../../channels/channel_fault.ts";
import { REFUSED_LISTED_MAX } from "../../channels/refused_channels.ts";
import type { Schema } from "./api_document.ts";

function counted(unit: string, description?: string): Schema {
  return {
    type: "integer",
    minimum: 0,
    "x-unit": unit,
    ...(description ? { description } : {}),
  };
}

function number(unit: string, description?: string): Schema {
  return {
    type: "number",
    "x-unit": unit,
    ...(description ? { description } : {}),
  };
}

/** An object that has all of these. */
export function all(properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: "object",
    required: Object.keys(properties),
    properties,
  };
}

const COUNTERS: Schema = {
  type: "object",
  description: "Since the start, by name",
  additionalProperties: { type: "number" },
};

const SOURCE = all({
  kind: { type: "string", enum: ["kafka", "embedded"] },
  ready: { type: "boolean", description: "Metadata has been read once" },
  reachable: { type: "boolean" },
  last_contact_ms: number("Unix ms", "Of the last good answer; 0 before it"),
  unreachable: {
    type: "array",
    items: { type: "string" },
    description:
      "Addresses that the cluster names for brokers that are read from, and that cannot be reached",
  },
  wide_topics: {
    type: "number",
    description: "Topics with more than one Kafka partition",
  },
  topics: {
    type: "array",
    items: all({
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
          "End of what is read: messages from here to high_watermark lie behind the start of an open transaction",
      },
      partitions: {
        type: "number",
        description:
          "Kafka partitions of the topic; above 1, only partition 0 is read and what is in the others is missing",
      },
    }),
  },
  counters: COUNTERS,
});

const CHANNELS_REFUSED = all({
  total: {
    ...all(Object.fromEntries(
      CHANNEL_REFUSALS.map((reason) => [reason, counted("records")]),
    )),
    description: "Records of metadata since the start, by reason",
  },
  newest: {
    type: "array",
    maxItems: REFUSED_LISTED_MAX,
    description: "Not served now, the newest first",
    items: all({
      publisher: { type: "string", description: "Whose metadata it is" },
      name: { type: "string", description: "Odd characters by their code" },
      reason: { type: "string", enum: CHANNEL_REFUSALS },
      detail: {
        type: "string",
        description: "What is wrong, and what would be right",
      },
    }),
  },
});

const MEMORY: Schema = {
  ...all({
    rss_bytes: counted("bytes"),
    heap_total_bytes: counted("bytes"),
    heap_used_bytes: counted("bytes"),
    external_bytes: counted("bytes"),
    per_client_bytes: number("bytes"),
  }),
  description: "Of the process, where the runtime tells",
};

const MS_OR_NULL: Schema = { type: ["number", "null"], "x-unit": "ms" };

const PARTITION = all({
  topic: { type: "string" },
  leases: counted("groups", "Selections that hold it"),
  lag_messages: {
    type: ["integer", "null"],
    "x-unit": "messages",
    description: "In the log and not read yet; null before that is known",
  },
  state: {
    type: "string",
    enum: ["starting", "present", "late", "unreachable", "future"],
  },
  newest_end_ns: {
    type: ["string", "null"],
    pattern: String.raw`^\d{1,19}$`,
    "x-unit": "GPS ns",
    description: "End of the newest block",
  },
  age_s: { type: ["number", "null"], "x-unit": "s" },
  blocks: counted("blocks", "Taken in since the partition is read"),
  bytes: counted("bytes"),
  bad: counted("blocks"),
  late: counted("blocks"),
  duplicate: counted("blocks"),
  future: counted("blocks"),
  too_large: counted("blocks"),
  missed: counted("blocks", "Never came, or too late"),
  resets: counted("resets"),
  header_hits: counted("blocks", "Headers equal to the one before"),
  header_misses: counted("blocks", "Headers that had to be parsed"),
});

/** Shared schemas by their names in the document. */
export const SERVICE_SCHEMAS: Readonly<Record<string, Schema>> = {
  Status: all({
    time_ns: {
      type: "string",
      pattern: String.raw`^\d{1,19}$`,
      "x-unit": "GPS ns",
      description: "Now, as the server judges blocks by",
    },
    unix_ms: number("Unix ms", "The same time as UTC counts it"),
    clock: all({
      wall_ahead_s: number(
        "s",
        "Wall clock, beyond the time that blocks are judged by; 0 unless it stepped",
      ),
      steps: counted("steps", "Of the wall clock, since the start"),
    }),
    uptime_s: number("s"),
    build: all({
      version: { type: "string" },
      revision: {
        type: "string",
        description: "Of the source; unknown where the build does not say it",
      },
    }),
    ready: { type: "boolean" },
    event_loop_delay_ms: number("ms"),
    source: SOURCE,
    channels: counted("channels"),
    channels_refused: CHANNELS_REFUSED,
    clients: counted("clients"),
    selections: counted("groups", "Different selections with clients"),
    clients_opened: counted("clients", "Streams opened since the start"),
    clients_refused: {
      ...COUNTERS,
      description: "Since the start, by the limit that was reached",
    },
    frames_sent: counted("frames", "Live frames since the start"),
    rows_late: counted("rows", "Sent without a partition since the start"),
    gaps_told: {
      ...COUNTERS,
      description: "Since the start, by reason",
    },
    past: all({
      histories: counted("readers", "Ranges of the past that are being read"),
      resumes: counted("readers"),
      waiting: counted("clients", "Resumes that wait for their turn"),
      rows: counted("rows"),
      reads: counted("reads"),
      failures: counted("reads"),
      refused: counted("clients"),
      suspended: counted(
        "readings",
        "Places that went to another, as their reader stood still",
      ),
    }),
    ring: all({
      capacity_bytes: counted("bytes"),
      occupied_bytes: counted("bytes"),
      high_water_bytes: counted("bytes"),
      reclaimed_pages: counted("pages"),
      held_s: number("s", "How far back its oldest block lies"),
    }),
    slab: all({
      budget_bytes: counted("bytes"),
      committed_bytes: counted("bytes"),
      used_bytes: counted("bytes"),
      used_slots: counted("slots"),
      high_water_bytes: counted("bytes"),
      reserved_bytes: counted("bytes"),
      committed_chunks: counted("chunks"),
    }),
    trends: all({
      channels: counted("channels", "Recorded now"),
      used_bytes: counted("bytes"),
      budget_bytes: counted("bytes"),
    }),
    memory: { anyOf: [MEMORY, { type: "null" }] },
    lag: {
      ...all({
        p50_ms: MS_OR_NULL,
        p99_ms: MS_OR_NULL,
        max_ms: MS_OR_NULL,
      }),
      description: "From when a message was produced to its arrival here",
    },
    partitions: { type: "array", items: PARTITION },
  }),
};
