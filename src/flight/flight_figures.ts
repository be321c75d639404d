// Counters of the Flight port. Imports nothing of node, so that app.ts can hold them on any runtime.

/** Methods of Flight that Qanat answers, and all others. */
export const FLIGHT_METHODS = [
  "GetFlightInfo",
  "DoGet",
  "DoAction",
  "ListActions",
  "other",
] as const;

export type FlightMethod = typeof FLIGHT_METHODS[number];

/** Why Qanat has closed a connection of a client that broke a limit. */
export const FLIGHT_CLOSES = [
  /** No call for too long. */
  "idle",
  /** Too many pings, changes of settings, or calls that are cancelled or begun too fast. */
  "pings",
  "settings",
  "resets",
  /** Not HTTP/2, or a breach of its rules that the library found. */
  "protocol",
] as const;

export type FlightClose = typeof FLIGHT_CLOSES[number];

/** Figures of all Flight connections, for /metrics. */
export class FlightFigures {
  /** Connections, and calls, that are open now. */
  connections = 0;
  calls = 0;
  /** Bytes of messages that are still arriving. */
  messageBytes = 0;
  accepted = 0;
  /** Connections beyond --connections-max, or above their address's share of it. */
  refused = 0;
  /** Calls beyond the limit of open ones, or above their address's share of it. */
  callsRefused = 0;
  readonly closed = counts(FLIGHT_CLOSES);
  readonly called = counts(FLIGHT_METHODS);
  /** Calls that ended with an error, by status of gRPC. */
  readonly failed: Record<string, number> = {};

  /** Counts a call that ended with an error. */
  countFailure(grpcStatus: number): void {
    this.failed[grpcStatus] = (this.failed[grpcStatus] ?? 0) + 1;
  }
}

function counts<Name extends string>(
  names: readonly Name[],
): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<
    Name,
    number
  >;
}
