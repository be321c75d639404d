// The metrics of one instance, by subject: what /metrics answers. No metric has a label for a channel; those that have one
// for a topic show a limited number of topics (topic_metrics.ts).
// Invariant: docs/operating.md explains every metric (test/telemetry/metrics/metrics_test.ts).
import { authMetrics, type AuthParts } from "./auth_metrics.ts";
import { blockMetrics, type BlockParts } from "./block_metrics.ts";
import { clientMetrics, type ClientParts } from "./client_metrics.ts";
import {
  connectionMetrics,
  type ConnectionParts,
} from "./connection_metrics.ts";
import type { Figure } from "./figures.ts";
import { flightMetrics, type FlightParts } from "./flight_metrics.ts";
import { historyMetrics, type HistoryParts } from "./history_metrics.ts";
import { instanceMetrics, type InstanceParts } from "./instance_metrics.ts";
import { memoryMetrics, type MemoryParts } from "./memory_metrics.ts";
import { processMetrics, type ProcessParts } from "./process_metrics.ts";
import { noteMetrics, type NoteParts } from "./note_metrics.ts";
import { Prometheus } from "./prometheus.ts";
import { upstreamMetrics } from "./upstream_metrics.ts";
import { relayMetrics, type RelayParts } from "./relay_metrics.ts";
import { requestMetrics, type RequestParts } from "./request_metrics.ts";
import { sourceMetrics, type SourceParts } from "./source_metrics.ts";
import { tlsMetrics, type TlsParts } from "./tls_metrics.ts";
import { topicMetrics, type TopicParts } from "./topic_metrics.ts";
import { trendMetrics, type TrendParts } from "./trend_metrics.ts";

/** The parts of an instance whose figures are rendered. */
export type MetricsParts =
  & InstanceParts
  & SourceParts
  & MemoryParts
  & ProcessParts
  & BlockParts
  & ConnectionParts
  & ClientParts
  & FlightParts
  & HistoryParts
  & NoteParts
  & RelayParts
  & RequestParts
  & AuthParts
  & TlsParts
  & TopicParts
  & TrendParts;

/** Renders the metrics of an instance. */
export class Metrics {
  readonly #metrics = new Prometheus();

  constructor(parts: MetricsParts) {
    const metrics = this.#metrics;
    instanceMetrics(metrics, parts);
    sourceMetrics(metrics, parts);
    memoryMetrics(metrics, parts);
    processMetrics(metrics, parts);
    blockMetrics(metrics, parts);
    topicMetrics(metrics, parts);
    connectionMetrics(metrics, parts);
    tlsMetrics(metrics, parts);
    clientMetrics(metrics, parts);
    flightMetrics(metrics, parts);
    historyMetrics(metrics, parts);
    relayMetrics(metrics, parts);
    requestMetrics(metrics, parts);
    authMetrics(metrics, parts);
    noteMetrics(metrics, parts);
    trendMetrics(metrics, parts);
    upstreamMetrics(metrics, parts);
  }

  /** All values now, to be added to those of other threads. */
  figures(): Promise<Figure[]> {
    return this.#metrics.figures();
  }

  render(): Promise<{ text: string; contentType: string }> {
    return this.#metrics.render();
  }
}
