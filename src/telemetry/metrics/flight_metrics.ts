// Metrics of the Flight port.
import type { FlightFigures } from "../../flight/flight_figures.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface FlightParts {
  readonly flight: FlightFigures;
}

type ByLabel = "closed" | "called" | "failed";
type Now = "connections" | "calls" | "messageBytes";

const GAUGES = {
  connections: ["flight_connections", "Open connections of the Flight port"],
  calls: ["flight_calls", "Calls over Flight that are not finished"],
  messageBytes: [
    "flight_message_bytes",
    "Bytes of messages of Flight clients that are still arriving",
  ],
} satisfies Record<Now, NameAndHelp>;

const COUNTERS = {
  accepted: [
    "flight_connections_accepted_total",
    "Connections of the Flight port served",
  ],
  refused: [
    "flight_connections_refused_total",
    "Connections of the Flight port beyond --connections-max or the share of their address",
  ],
  callsRefused: [
    "flight_calls_refused_total",
    "Calls over Flight beyond the limit of open ones or the share of their address",
  ],
} satisfies Record<
  Exclude<keyof FlightFigures, Now | ByLabel | "countFailure">,
  NameAndHelp
>;

export function flightMetrics(
  metrics: Prometheus,
  { flight }: FlightParts,
): void {
  metrics.gaugeTable(GAUGES, (field) => flight[field]);
  metrics.counterTable(COUNTERS, (field) => flight[field]);
  metrics.counters(
    {
      name: "flight_connections_closed_total",
      help: "Connections of the Flight port closed by Qanat, by reason",
      label: "reason",
    },
    () => flight.closed,
  );
  metrics.counters(
    {
      name: "flight_calls_total",
      help: "Calls over Flight, by method",
      label: "method",
    },
    () => flight.called,
  );
  metrics.counters(
    {
      name: "flight_calls_failed_total",
      help: "Calls over Flight that ended with an error, by status of gRPC",
      label: "status",
    },
    () => flight.failed,
  );
}
