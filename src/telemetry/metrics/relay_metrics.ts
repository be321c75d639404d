// Metrics of the streams to relays.
import type { BlockFeeds } from "../../relay/block_feeds.ts";
import type { Prometheus } from "./prometheus.ts";

export interface RelayParts {
  readonly feeds: Pick<
    BlockFeeds,
    "counters" | "ended" | "openCount" | "refused"
  >;
}

export function relayMetrics(
  metrics: Prometheus,
  { feeds }: RelayParts,
): void {
  metrics.gauge(
    "relay_streams",
    "Open streams of blocks, channels and histories to relays",
    () => feeds.openCount,
  );
  metrics.counter(
    "relay_sent_bytes_total",
    "Bytes of streams to relays",
    () => feeds.counters.bytes,
  );
  metrics.counters(
    {
      name: "relay_streams_ended_total",
      help: "Streams to relays that have ended, by reason",
      label: "reason",
    },
    () => feeds.ended,
  );
  metrics.counters(
    {
      name: "relay_streams_refused_total",
      help: "Streams to relays that were refused, by limit",
      label: "limit",
    },
    () => feeds.refused,
  );
}
