// The schema of `flight` in the JSON that /v1/status answers.
import type { Schema } from "./api_document.ts";
import { counted, COUNTERS, objectOf } from "./schema_parts.ts";

export const FLIGHT_STATUS: Schema = {
  ...objectOf({
    port: counted("port"),
    tls: { type: "boolean" },
    connections: counted("connections", "Open ones of the Flight port"),
    connections_accepted: counted("connections", "Since the start"),
    connections_refused: counted(
      "connections",
      "Since the start, beyond --connections-max or the share of their address",
    ),
    connections_closed: {
      ...COUNTERS,
      description: "Connections that Qanat closed since the start, by reason",
    },
    calls: counted("calls", "Calls that are not finished"),
    calls_refused: counted(
      "calls",
      "Since the start, beyond the limit of open ones or the share of their address",
    ),
    calls_begun: {
      ...COUNTERS,
      description: "Calls since the start, by method of Flight",
    },
    calls_failed: {
      ...COUNTERS,
      description: "Calls that ended with an error, by status of gRPC",
    },
  }),
  description: "The port for Arrow Flight; absent without --flight-port",
};
