// The schema of the JSON that /v1/status answers.
import { CHANNEL_REFUSALS } from "../../channels/channel_fault.ts";
import { REFUSED_LISTED_MAX } from "../../channels/refused_channels.ts";
import type { Schema } from "./api_document.ts";
import { FLIGHT_STATUS } from "./flight_status_schema.ts";
import { RELAYS, SOURCE } from "./source_status_schema.ts";
import { counted, COUNTERS, number, objectOf } from "./schema_parts.ts";

const CHANNELS_REFUSED = objectOf({
  total: {
    ...objectOf(Object.fromEntries(
      CHANNEL_REFUSALS.map((reason) => [reason, counted("records")]),
    )),
    description: "Refused metadata records since the start, by reason",
  },
  newest: {
    type: "array",
    maxItems: REFUSED_LISTED_MAX,
    description:
      "Channels that are not served as their metadata was refused, newest first",
    items: objectOf({
      publisher: { type: "string", description: "Publisher of the metadata" },
      name: {
        type: "string",
        description: "Name of the channel; unprintable characters as codes",
      },
      reason: { type: "string", enum: CHANNEL_REFUSALS },
      detail: {
        type: "string",
        description: "What is wrong, and what would be right",
      },
    }),
  },
});

const MEMORY: Schema = {
  ...objectOf({
    rss_bytes: counted("bytes"),
    heap_total_bytes: counted("bytes"),
    heap_used_bytes: counted("bytes"),
    external_bytes: counted("bytes"),
    per_client_bytes: number("bytes"),
  }),
  description:
    "Memory of the process; null where the runtime does not report it",
};

const MS_OR_NULL: Schema = { type: ["number", "null"], "x-unit": "ms" };

const PARTITION = objectOf({
  topic: { type: "string" },
  leases: counted("groups", "Selections with clients that use this topic"),
  lag_messages: {
    type: ["integer", "null"],
    "x-unit": "messages",
    description: "Messages in Kafka that are not read yet; null while unknown",
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
  blocks: counted("blocks", "Received since the partition is being read"),
  bytes: counted("bytes"),
  bad: counted("blocks"),
  late: counted("blocks"),
  duplicate: counted("blocks"),
  future: counted("blocks"),
  too_large: counted("blocks"),
  missed: counted("blocks", "Did not arrive, or arrived too late"),
  resets: counted("resets"),
  header_hits: counted("blocks", "Header equal to the one before"),
  header_misses: counted("blocks", "Header that had to be parsed"),
});

const ACCESS: Schema = {
  ...objectOf({
    requests: COUNTERS,
    denied: {
      ...COUNTERS,
      description: "Denied requests since the start, by reason",
    },
    views: counted("catalogs", "Catalogs that hold what a grant allows"),
    view_channels: counted("channels", "Channels of all these catalogs"),
    files: {
      type: "array",
      items: objectOf({
        file: { type: "string", enum: ["tokens", "policy", "session-keys"] },
        valid: {
          type: "boolean",
          description: "The newest content of the file is in force",
        },
        entries: counted("entries", "Tokens, grants or keys in force"),
        loads: counted("contents", "Contents that came into force"),
        faults: counted("contents", "Contents that were refused"),
      }),
    },
    issuers: {
      type: "array",
      items: objectOf({
        issuer: { type: "string" },
        failing_s: number(
          "s",
          "For how long its keys could not be read; 0 while they can",
        ),
        reads: counted("reads", "Attempts to read its keys"),
        failures: counted("reads"),
      }),
    },
  }),
  description: "Who may read; absent where requests need no credential",
};

const STATUS = {
  time_ns: {
    type: "string",
    pattern: String.raw`^\d{1,19}$`,
    "x-unit": "GPS ns",
    description: "Time now; lateness of blocks is measured against it",
  },
  unix_ms: number("Unix ms", "The same time as Unix time"),
  clock: objectOf({
    wall_ahead_s: number(
      "s",
      "Wall clock minus the time used here; not 0 after the wall clock has been set",
    ),
    steps: counted(
      "steps",
      "How often the wall clock was set since the start",
    ),
  }),
  uptime_s: number("s"),
  build: objectOf({
    version: { type: "string" },
    revision: {
      type: "string",
      description: "Revision of the source; `unknown` if the build has none",
    },
  }),
  socket_writes: {
    enum: ["raw", "stream", null],
    description:
      "How frames reach sockets: raw on native handles, stream with socket.write() on a version of the runtime that is not proven; null where no server listens",
  },
  ready: { type: "boolean" },
  event_loop_delay_ms: number("ms"),
  source: SOURCE,
  channels: counted("channels"),
  channels_refused: CHANNELS_REFUSED,
  clients: counted("clients"),
  selections: counted("groups", "Distinct selections that have clients"),
  clients_opened: counted("clients", "Streams opened since the start"),
  clients_refused: {
    ...COUNTERS,
    description: "Clients since the start, by the limit that refused them",
  },
  frames_sent: counted("frames", "Live frames sent since the start"),
  rows_late: counted(
    "rows",
    "Rows since the start that were sent without a late partition",
  ),
  gaps_told: {
    ...COUNTERS,
    description: "Gaps reported to clients since the start, by reason",
  },
  past: objectOf({
    histories: counted(
      "readers",
      "History ranges, and resumes from before the resume window, that are being read",
    ),
    resumes: counted(
      "readers",
      "Resumes within the resume window that are being read",
    ),
    waiting: counted("clients", "Resumes that wait for a free reader"),
    histories_waiting: counted(
      "clients",
      "Those that wait for a reader of histories: from before the resume window",
    ),
    rows: counted("rows"),
    reads: counted("reads"),
    failures: counted("reads"),
    refused: counted("clients"),
    suspended: counted(
      "readings",
      "Readers stopped because their client did not read, so that another could start",
    ),
    joined: counted(
      "clients",
      "Resumes that joined the reading of others with the same selection",
    ),
    outpaced: counted(
      "clients",
      "Resumes that left a shared reading since others of it read much faster",
    ),
  }),
  ring: objectOf({
    capacity_bytes: counted("bytes"),
    occupied_bytes: counted("bytes"),
    high_water_bytes: counted("bytes"),
    reclaimed_pages: counted("pages"),
    held_s: number("s", "Age of the oldest block in the ring"),
  }),
  slab: objectOf({
    budget_bytes: counted("bytes"),
    committed_bytes: counted("bytes"),
    used_bytes: counted("bytes"),
    used_slots: counted("slots"),
    high_water_bytes: counted("bytes"),
    reserved_bytes: counted("bytes"),
    committed_chunks: counted("chunks"),
  }),
  trends: objectOf({
    channels: counted("channels", "Channels whose trends are recorded"),
    used_bytes: counted("bytes"),
    budget_bytes: counted("bytes"),
  }),
  memory: { anyOf: [MEMORY, { type: "null" }] },
  lag: {
    ...objectOf({
      p50_ms: MS_OR_NULL,
      p99_ms: MS_OR_NULL,
      max_ms: MS_OR_NULL,
    }),
    description: "Time from the production of a message to its arrival here",
  },
  partitions: { type: "array", items: PARTITION },
};

const WORKERS: Schema = {
  type: "array",
  items: objectOf({
    worker: counted("", "Number of the worker, from 0 on"),
    answered: {
      type: "boolean",
      description:
        "False if it did not answer within a second: then its line has its last figures, and the sums do not include it",
    },
    clients: counted("clients"),
    selections: counted("groups"),
    event_loop_delay_ms: number("ms"),
    heap_used_bytes: { type: ["integer", "null"], "x-unit": "bytes" },
  }),
  description: "With `--workers` above 1: what each of them has",
};

/** Shared schemas by their names in the document. */
export const SERVICE_SCHEMAS: Readonly<Record<string, Schema>> = {
  // `access`, `flight`, `relays` and `workers` are not required.
  Status: {
    ...objectOf(STATUS),
    properties: {
      ...STATUS,
      access: ACCESS,
      flight: FLIGHT_STATUS,
      relays: RELAYS,
      workers: WORKERS,
    },
  },
};
