// Metrics of HTTP connections.
import type { ConnectionFigures } from "../../http/transport/connection_figures.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface ConnectionParts {
  readonly connections: ConnectionFigures;
}

type Now = "heldBytes" | "open" | "unreadBytes";
type ByLabel = "malformed" | "timedOut";
type Other = "socketWrites" | "tls";

const GAUGES = {
  open: ["connections", "Open HTTP connections"],
  heldBytes: [
    "connection_held_bytes",
    "Bytes of requests that wait for the answer before them",
  ],
  unreadBytes: [
    "connection_unread_bytes",
    "Bytes of long answers that their clients have not read",
  ],
} satisfies Record<Now, NameAndHelp>;

const COUNTERS = {
  accepted: ["connections_accepted_total", "HTTP connections served"],
  refused: [
    "connections_refused_total",
    "HTTP connections beyond --connections-max or the share of their address",
  ],
  overrun: [
    "connections_overrun_total",
    "HTTP connections closed: too many bytes sent before an answer was finished",
  ],
  evicted: [
    "connections_evicted_total",
    "HTTP connections closed: unread answers took too much memory",
  ],
} satisfies Record<
  Exclude<keyof ConnectionFigures, Now | ByLabel | Other>,
  NameAndHelp
>;

export function connectionMetrics(
  metrics: Prometheus,
  { connections }: ConnectionParts,
): void {
  metrics.gauge(
    "raw_socket_writes",
    "1 while frames are written on native socket handles; 0 where the runtime version is not proven for that",
    () => connections.socketWrites === "raw" ? 1 : 0,
  );
  metrics.gaugeTable(GAUGES, (field) => connections[field]);
  metrics.counterTable(COUNTERS, (field) => connections[field]);
  metrics.counters(
    {
      name: "connections_timed_out_total",
      help: "HTTP connections closed by a timeout, by phase",
      label: "phase",
    },
    () => connections.timedOut,
  );
  metrics.counters(
    {
      name: "requests_malformed_total",
      help: "Malformed HTTP requests, by the status of their answer",
      label: "status",
    },
    () => connections.malformed,
  );
}
