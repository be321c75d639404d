// Serves an instance with node:http: wires the routes to the transport, and listens.
// Why node:http: the callback of a socket write is the exact time at which a frame can be released.
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { IncomingMessage } from "node:http";
import { newRequestId } from "../telemetry/request_trace.ts";
import type { SharePool } from "../shares/share_pool.ts";
import type { SharePools } from "../shares/share_pools.ts";
import { type HttpServer, startListener } from "./listener.ts";
import { honoApp } from "./routes/hono_app.ts";
import { HostRule } from "./routes/host_rule.ts";
import type { HttpService } from "./service.ts";
import {
  BACKLOG_MAX,
  type BudgetSettings,
  connectionsWanted,
} from "../net/descriptor_budget.ts";
import { isProven, runtimeName } from "./transport/proven_runtimes.ts";
import { RawWriter } from "./transport/raw_write.ts";
import { SocketOutlet } from "./transport/socket_outlet.ts";
import type { ServerCertificate } from "../net/server_certificate.ts";
import { requestAddress } from "./transport/request_address.ts";
import { trustedBy } from "../net/forwarded_address.ts";
import { isHttps } from "./transport/request_scheme.ts";

export type { HttpServer } from "./listener.ts";

export interface ServeOptions {
  /** Connections that may wait in the kernel to be accepted. @default BACKLOG_MAX */
  readonly backlog?: number;
  /** Whether other threads of the process listen on the port as well. @default false */
  readonly reusePort?: boolean;
  /** Connections by address, of all ports. @default those of this server alone */
  readonly pool?: SharePool;
  /** The certificate for TLS, which is closed with the server. @default plain HTTP */
  readonly certificate?: ServerCertificate | null;
  /** Called for each accepted connection, also one that is then refused. */
  readonly onConnection?: () => void;
  /** Monotonic clock. @default performance.now */
  readonly nowMs?: () => number;
  /** Makes the id of a request that comes with none. @default a random UUID */
  readonly newRequestId?: () => string;
  /** Name and version of the runtime. @default that of this process */
  readonly runtime?: string;
}

/** Listens and serves until closed. Rejects when the port is not available. */
export async function serve(
  service: HttpService,
  options: ServeOptions = {},
): Promise<HttpServer> {
  const { host, port, trustedProxies, allowedHosts, addressSharePercent } =
    service.config;
  const hostRule = new HostRule({ host, allowedHosts });
  const trusted = trustedBy(trustedProxies);
  const writers = writersFor(service, options);
  const incomingOf = ({ env }: { readonly env: unknown }) =>
    (env as { readonly incoming?: IncomingMessage }).incoming;
  const app = honoApp(service, {
    alreadySent: RESPONSE_ALREADY_SENT,
    socketOutlet: (outgoing) => new SocketOutlet(outgoing, writers.raw),
    newRequestId: options.newRequestId ?? newRequestId,
    addressOf: (c) => requestAddress(incomingOf(c), trusted),
    isHttps: (c) => isHttps(incomingOf(c), trusted),
    hostRule,
  });
  return await startListener(service, {
    host,
    port,
    app,
    hostRule,
    connectionsMax: connectionsWanted(service.config),
    sharePercent: addressSharePercent,
    pool: options.pool,
    backlog: options.backlog ?? BACKLOG_MAX,
    reusePort: options.reusePort,
    usesHandles: writers.usesHandles,
    certificate: options.certificate,
    onConnection: options.onConnection,
    nowMs: options.nowMs,
  });
}

/** Frames over TLS are written with the public socket.write(): the handle of such a connection is not proven. */
function writersFor(
  service: HttpService,
  { certificate = null, runtime = runtimeName() }: ServeOptions,
): { readonly raw: RawWriter | null; readonly usesHandles: boolean } {
  const raw = rawWriterFor(runtime, service);
  const usesHandles = raw !== null;
  if (certificate === null) return { raw, usesHandles };
  service.connections.socketWrites = "stream";
  return { raw: null, usesHandles };
}

/** Null on a runtime version on which native handles are not tested: then the log says what that costs. */
function rawWriterFor(
  runtime: string,
  { connections, log }: HttpService,
): RawWriter | null {
  const rawWriter = isProven(runtime) ? RawWriter.find() : null;
  connections.socketWrites = rawWriter === null ? "stream" : "raw";
  if (rawWriter === null) {
    log.warn("runtime-not-proven", {
      runtime,
      effect:
        "frames are written with socket.write(), which takes about 1 µs of CPU time more for each frame and client; " +
        "clients that leave all at once take longer to clean up; the listener does not recover when the process " +
        "has run out of file descriptors",
      remedy: "use the version of Deno that the README names",
    });
  }
  return rawWriter;
}

/** Counts the connections of all ports for clients. */
export function connectionPool(
  config: BudgetSettings & { readonly addressSharePercent: number },
  pools: SharePools,
): SharePool {
  return pools.pool("connections", {
    capacity: connectionsWanted(config),
    sharePercent: config.addressSharePercent,
  });
}
