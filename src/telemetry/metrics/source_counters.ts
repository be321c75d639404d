// The counters of all kinds of sources, each as a metric of its own. Those of another kind of source have no value.
// Invariant: each counter of each source is here (test/telemetry/metrics/source_counters_test.ts).
import type { Source } from "../../source/source.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

/** By the source's name of the counter. */
export const SOURCE_COUNTERS = {
  // Of Kafka.
  fetches: ["kafka_fetches_total", "Fetch requests to brokers"],
  reconnects: [
    "kafka_reconnects_total",
    "Connections to brokers that were lost, or could not be made",
  ],
  topic_errors: [
    "kafka_topic_errors_total",
    "Errors of single topics in answers of brokers",
  ],
  metadata_refreshes: [
    "kafka_metadata_refreshes_total",
    "How often the topics of the cluster were listed",
  ],
  damaged_batches: [
    "kafka_batches_damaged_total",
    "Batches that could not be decoded",
  ],
  records: ["records_read_total", "Records read from all topics"],
  repeated_records: [
    "records_repeated_total",
    "Records that a broker sent a second time",
  ],
  refused_records: [
    "records_refused_total",
    "Records that were skipped because of an internal error",
  ],
  metadata_topics: [
    "metadata_topics_total",
    "Topics with the metadata of a publisher",
  ],
  metadata_topics_refused: [
    "metadata_topics_refused_total",
    "Metadata topics that were not followed as there are too many, counted whenever topics are listed",
  ],
  metadata_records: [
    "metadata_records_total",
    "Records of metadata, one for each channel and change",
  ],
  metadata_bad_records: [
    "metadata_records_bad_total",
    "Records of metadata that describe no valid channel",
  ],
  metadata_future_records: [
    "metadata_records_future_total",
    "Records of metadata whose time is in the future: others that claim the same name count before them",
  ],
  // Of --topics.
  topics_messages: [
    "mapped_messages_total",
    "Messages of topics of --topics",
  ],
  topics_bad_messages: [
    "mapped_messages_bad_total",
    "Messages of topics of --topics that were skipped",
  ],
  topics_blocks: [
    "mapped_blocks_total",
    "Blocks made of messages of topics of --topics",
  ],
  topics_skipped_rows: [
    "mapped_rows_skipped_total",
    "Rows of topics of --topics that are in no block",
  ],
  topics_schema_changes: [
    "mapped_schema_changes_total",
    "Changes of types in topics of --topics",
  ],
  topics_schemas_too_soon: [
    "mapped_schemas_too_soon_total",
    "Messages of topics of --topics whose types differ from those of less than 10 s before",
  ],
  // Of the embedded source.
  blocks: ["embedded_blocks_total", "Blocks made by the embedded source"],
  skipped: [
    "embedded_blocks_skipped_total",
    "Blocks that the embedded source left out after a pause of more than 10 s",
  ],
  // Of a relay.
  upstream_switches: [
    "upstream_switches_total",
    "How often a relay went to another upstream",
  ],
  upstream_bytes: [
    "upstream_received_bytes_total",
    "Bytes that a relay received from its upstreams",
  ],
  upstream_streams: [
    "upstream_streams_total",
    "Streams of blocks that a relay opened",
  ],
  upstream_refills: [
    "upstream_refills_total",
    "Readings from a history of blocks that the memory of a relay's upstream did not have",
  ],
  upstream_refills_failed: [
    "upstream_refills_failed_total",
    "Failed readings of blocks that the memory of a relay's upstream did not have",
  ],
  upstream_histories: [
    "upstream_histories_total",
    "Histories that a relay asked its upstreams for",
  ],
  upstream_histories_shared: [
    "upstream_histories_shared_total",
    "Histories that a relay read together with an equal one",
  ],
  upstream_histories_refused: [
    "upstream_histories_refused_total",
    "Histories that the upstreams refused",
  ],
  upstream_blocks_left_out: [
    "upstream_blocks_left_out_total",
    "Blocks of a new stream that a relay left out because it had delivered newer ones",
  ],
} as const satisfies Readonly<Record<string, NameAndHelp>>;

/** Counters of sources that another metric counts, and its name. */
export const COUNTED_ELSEWHERE: Readonly<Record<string, string>> = {
  holes: "offset_holes_total",
  restarts: "topic_restarts_total",
  upstream_failures: "upstream_failures_total",
};

/** Among the counters of Kafka, though it is none: the largest estimated time of a slice, ns. */
export const SLICE_PEAK = "slice_peak_ns";

export function sourceCounterMetrics(
  metrics: Prometheus,
  source: Pick<Source, "status">,
): void {
  metrics.counterTable(
    SOURCE_COUNTERS,
    (counter) => source.status().counters[counter],
  );
  metrics.gauge(
    "kafka_slice_peak_seconds",
    "Largest estimated time of work for Kafka in one turn of the event loop",
    () => {
      const peakNs = source.status().counters[SLICE_PEAK];
      return peakNs === undefined ? undefined : peakNs / 1e9;
    },
  );
}
