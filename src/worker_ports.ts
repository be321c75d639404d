// The ports of a worker: for clients, for operators, and for Arrow Flight.
// Invariant: several workers share each port; the first of them makes sure that no other process has it.
import type { Qanat } from "./app.ts";
import type { Config } from "./config.ts";
import type { FlightServer } from "./flight/flight_server.ts";
import { serveOperators } from "./http/operator_server.ts";
import { connectionPool, type HttpServer, serve } from "./http/server.ts";
import { isProven, runtimeName } from "./http/transport/proven_runtimes.ts";
import { assertPortFree } from "./net/free_port.ts";
import type { ServerCertificate } from "./net/server_certificate.ts";
import { flightHostOf } from "./settings/flight_settings.ts";
import type { SharePool } from "./shares/share_pool.ts";

export interface PortOptions {
  /** Limits of connections that fit, which are not those of the instance. */
  readonly config: Config;
  /** Connections of each port that may wait in the kernel. */
  readonly backlog: number;
  /** Null where clients come without TLS. */
  readonly certificate: ServerCertificate | null;
  /** No other worker of this process listens yet. */
  readonly isFirst: boolean;
  /** Called for each connection to the port for clients. */
  readonly onConnection: () => void;
}

interface Listener {
  close(drainMs: number): Promise<void>;
}

/** The open ports of one worker. */
export interface WorkerPorts {
  /** The port for clients. */
  readonly port: number;
  /** From now on closes each connection of a client after its answer. */
  closeAfterAnswers(): void;
  /** Resolves when every connection is closed. */
  close(drainMs: number): Promise<void>;
}

/** Opens them. Rejects with a message for people when one is not available. */
export async function openPorts(
  qanat: Qanat,
  options: PortOptions,
): Promise<WorkerPorts> {
  const { config, isFirst } = options;
  const { host, operatorHost, operatorPort, flightPort } = config;
  const shared = {
    ...options,
    reusePort: config.workers > 1,
    pool: connectionPool(config, qanat.sharePools),
  };
  const open = <Server>(
    address: { readonly host: string; readonly port: number },
    listen: () => Promise<Server>,
  ) => openPort({ ...address, isChecked: shared.reusePort && isFirst }, listen);
  const server = await open(
    { host, port: config.port },
    () => serve(qanat, shared),
  );
  const { reusePort } = shared;
  const operators = operatorPort === 0 ? null : await open(
    { host: operatorHost, port: operatorPort },
    () => serveOperators(qanat, { reusePort }),
  );
  const flight = flightPort === 0 ? null : await open(
    { host: flightHostOf(config), port: flightPort },
    () => serveFlightOf(qanat, shared),
  );
  const forClients: readonly (HttpServer | FlightServer)[] = flight === null
    ? [server]
    : [server, flight];
  const all: readonly Listener[] = operators === null
    ? forClients
    : [...forClients, operators];
  return {
    port: server.port,
    closeAfterAnswers: () =>
      forClients.forEach((each) => each.closeAfterAnswers()),
    close: async (drainMs) => {
      await Promise.all(all.map((each) => each.close(drainMs)));
    },
  };
}

async function openPort<Server>(
  { host, port, isChecked }: {
    readonly host: string;
    readonly port: number;
    readonly isChecked: boolean;
  },
  listen: () => Promise<Server>,
): Promise<Server> {
  try {
    // A port that the kernel chooses is free.
    if (isChecked && port !== 0) await assertPortFree({ host, port });
    return await listen();
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`Cannot listen on ${host}:${port}: ${message}`);
  }
}

/** The Flight port, imported only when it is on. */
async function serveFlightOf(
  qanat: Qanat,
  options: {
    readonly pool: SharePool;
    readonly backlog: number;
    readonly certificate: ServerCertificate | null;
    readonly reusePort: boolean;
  },
): Promise<FlightServer> {
  const { serveFlight } = await import("./flight/flight_server.ts");
  const host = flightHostOf(qanat.config);
  const usesHandles = isProven(runtimeName());
  return await serveFlight(qanat, { ...options, host, usesHandles });
}
