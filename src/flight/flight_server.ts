// Listens for Arrow Flight with node:http2. Why node:http2: docs/flight.md.
import { createServer } from "node:http2";
import { HEADERS_BYTES_MAX } from "./call_limits.ts";
import { keepAccepting } from "../net/keep_accepting.ts";
import {
  type ConnectionOptions,
  FlightConnections,
} from "./flight_connections.ts";
import type { FlightInstance } from "./service.ts";

/** Calls of one connection at a time; a client waits with more. */
const CALLS_A_CONNECTION_MAX = 1000;
const SWEEP_MS = 1000;

/** A listening Flight port. */
export interface FlightServer {
  readonly host: string;
  readonly port: number;
  /** From now on each connection takes no further calls, so that a client that connects again can reach another instance. */
  closeAfterAnswers(): void;
  /** Stops listening; resolves when every connection is closed. After `drainMs`, it closes those that are left. */
  close(drainMs: number): Promise<void>;
}

export interface FlightServeOptions extends ConnectionOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Connections that may wait in the kernel to be accepted. */
  readonly backlog: number;
  /** Whether other threads of the process listen on the port as well. @default false */
  readonly reusePort?: boolean;
  /** Whether native handles are used, so that the listener can recover (see {@linkcode keepAccepting}). @default false */
  readonly usesHandles?: boolean;
}

/** Listens and serves until closed. Rejects when the port is not available. */
export async function serveFlight(
  instance: FlightInstance,
  options: FlightServeOptions,
): Promise<FlightServer> {
  const { host, backlog, reusePort = false, usesHandles = false } = options;
  const { flightPort } = instance.config;
  const server = createServer({
    // Queued rows are limited by the hub; the default of 10 MB would refuse calls while large rows wait.
    maxSessionMemory: 1000,
    settings: {
      maxConcurrentStreams: CALLS_A_CONNECTION_MAX,
      maxHeaderListSize: HEADERS_BYTES_MAX,
      enablePush: false,
    },
  });
  const connections = new FlightConnections(server, instance, options);
  const fail = Promise.withResolvers<never>();
  server.on("error", (error) => {
    instance.log.warn("flight-listener-failed", { error: String(error) });
    fail.reject(error);
  });
  fail.promise.catch(() => {});
  const listening = new Promise<void>((resolve) => {
    const address = { host, port: flightPort, backlog, reusePort };
    server.listen(address, () => resolve());
  });
  await Promise.race([listening, fail.promise]);
  const timer = setInterval(() => {
    connections.sweep();
    if (usesHandles) keepAccepting(server, backlog);
  }, SWEEP_MS);
  const address = server.address();
  return {
    host,
    port: typeof address === "object" && address ? address.port : flightPort,
    closeAfterAnswers: () => connections.closeAfterAnswers(),
    close: async (drainMs) => {
      await connections.close(drainMs);
      clearInterval(timer);
    },
  };
}
