// Metrics of requests: their computing, their bodies, and which were refused.
import type { RefusedNames } from "../../http/limits/refused_names.ts";
import type { RequestLimits } from "../../http/limits/request_limits.ts";
import type { AnswerCount } from "../../http/transport/answer_counts.ts";
import type { FigureValue } from "./figures.ts";
import type { Prometheus } from "./prometheus.ts";

export interface RequestParts {
  readonly requests: Pick<
    RequestLimits,
    "aborted" | "answered" | "bodies" | "latest" | "refusals" | "slices"
  >;
  readonly refusedHosts: Pick<RefusedNames, "count">;
  readonly refusedOrigins: Pick<RefusedNames, "count">;
}

export function requestMetrics(
  metrics: Prometheus,
  { requests, ...refused }: RequestParts,
): void {
  const { answered, slices, bodies } = requests;
  metrics.labelled(
    {
      name: "http_requests_total",
      help: "HTTP requests, by route and by the status of the answer",
      type: "counter",
    },
    () => Array.from(answered.all(), valueOf),
  );
  metrics.gauge(
    "request_works",
    "Requests that wait for their next slice of computing",
    () => slices.waiting,
  );
  metrics.counter(
    "request_works_sliced_total",
    "Requests that needed more than one slice",
    () => slices.counters.sliced,
  );
  metrics.counter(
    "request_steps_total",
    "Steps of computing for requests; a step takes about a microsecond at most",
    () => slices.counters.steps,
  );
  metrics.gauge(
    "request_steps_max",
    "Most steps for requests in one turn of the event loop",
    () => slices.stepsMax,
  );
  metrics.gauge(
    "request_bodies_bytes",
    "Bytes of request bodies in memory",
    () => bodies.usedBytes,
  );
  metrics.counter(
    "requests_aborted_total",
    "Requests whose client left before the answer",
    () => requests.aborted,
  );
  refusalMetrics(metrics, { requests, ...refused });
}

function valueOf({ route, status, count }: AnswerCount): FigureValue {
  return { labels: { route, status }, value: count };
}

/** Requests that were refused, and the outcomes of those for one row. */
function refusalMetrics(
  metrics: Prometheus,
  { requests, refusedHosts, refusedOrigins }: RequestParts,
): void {
  metrics.counters(
    {
      name: "requests_refused_total",
      help: "Requests refused because of their cost, by limit",
      label: "limit",
    },
    () => requests.refusals,
  );
  metrics.counters(
    {
      name: "latest_requests_total",
      help: "Requests for the newest row (/v1/latest), by outcome",
      label: "outcome",
    },
    () => requests.latest,
  );
  metrics.counter(
    "hosts_refused_total",
    "Requests refused because of their Host header",
    () => refusedHosts.count,
  );
  metrics.counter(
    "origins_refused_total",
    "Requests refused because of their Origin header",
    () => refusedOrigins.count,
  );
}
