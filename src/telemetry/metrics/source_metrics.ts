// Metrics of the source: what is known of channels and topics, how far reading is behind, time spent on Kafka.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { Catalog } from "../../channels/catalog.ts";
import type { Source } from "../../source/source.ts";
import type { Prometheus } from "./prometheus.ts";
import { sourceCounterMetrics } from "./source_counters.ts";

export interface SourceParts {
  readonly source: Pick<Source, "status">;
  readonly catalog: Pick<Catalog, "size" | "refused">;
  readonly store: Pick<BlockStore, "handedOutSeconds" | "lag">;
}

export function sourceMetrics(metrics: Prometheus, parts: SourceParts): void {
  const { catalog, source, store } = parts;
  metrics.gauge(
    "source_reachable",
    "1 when the source answers",
    () => source.status().reachable ? 1 : 0,
  );
  sourceCounterMetrics(metrics, source);
  metrics.gauge("channels", "Channels in the catalog", () => catalog.size);
  metrics.counters(
    {
      name: "channels_refused_total",
      help: "Metadata records whose channel is not served, by reason",
      label: "reason",
    },
    () => catalog.refused.counts,
  );
  topicMetrics(metrics, source);
  metrics.histogram(
    "kafka_lag_seconds",
    "Time from a message's production to its arrival",
    store.lag,
  );
  metrics.counters(
    {
      name: "kafka_seconds_total",
      help: "Time of the event loop spent on Kafka, by part",
      label: "part",
    },
    () => {
      const { seconds } = source.status();
      if (!seconds) return {};
      // A message that completes rows hands them out in the same call; write_seconds_total and encode_seconds_total
      // count that time.
      const deliver = (seconds["deliver"] ?? 0) - store.handedOutSeconds;
      return { ...seconds, deliver };
    },
  );
}

function topicMetrics(metrics: Prometheus, source: SourceParts["source"]) {
  metrics.gauge(
    "topics_missing",
    "Topics that clients read and that the cluster or upstream does not have",
    () =>
      source.status().topics.filter(({ state }) => state === "missing").length,
  );
  metrics.gauge(
    "topics_with_more_partitions",
    "Topics with more than one Kafka partition, of which only the first is read",
    () => source.status().wideTopics,
  );
  metrics.gauge(
    "kafka_leaders_unreachable",
    "Addresses of brokers that lead a topic that is read, and that cannot be reached",
    () => source.status().unreachable.length,
  );
  metrics.gauge("kafka_behind_messages", "Messages not read yet", () => {
    let sum = 0;
    for (const { position, lastStableOffset } of source.status().topics) {
      if (position >= 0) sum += Math.max(0, lastStableOffset - position);
    }
    return sum;
  });
  metrics.gauge(
    "kafka_uncommitted_messages",
    "Messages behind the start of an open transaction; they are not read",
    () => {
      let sum = 0;
      for (
        const { highWatermark, lastStableOffset } of source.status().topics
      ) {
        sum += Math.max(0, highWatermark - lastStableOffset);
      }
      return sum;
    },
  );
}
