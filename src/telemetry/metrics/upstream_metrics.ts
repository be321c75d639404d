// Metrics of a relay about the instances that it reads from; without values on any other instance.
import type { Source } from "../../source/source.ts";
import type { Prometheus } from "./prometheus.ts";

export function upstreamMetrics(
  metrics: Prometheus,
  { source }: { readonly source: Pick<Source, "status"> },
): void {
  metrics.gauges(
    {
      name: "upstream_connected",
      help: "1 for the upstream that a relay reads from, 0 for the others",
      label: "upstream",
    },
    () =>
      Object.fromEntries(
        (source.status().upstreams ?? []).map(({ host, state }) => [
          host,
          state === "connected" ? 1 : 0,
        ]),
      ),
  );
  metrics.counters(
    {
      name: "upstream_failures_total",
      help: "Failures of a relay's upstreams, by reason",
      label: "reason",
    },
    () => source.status().failures ?? {},
  );
}
