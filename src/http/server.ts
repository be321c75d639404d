// Serves an instance with node:http: wires the routes to the transport, listens, and closes connections at the end.
// Why node:http: the callback of a socket write is the exact time at which a frame can be released.
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { IncomingMessage, Server } from "node:http";
import type { HttpService, ServerSettings } from "./service.ts";
import { newRequestId } from "../telemetry/request_trace.ts";
import { plainAddress } from "../clients/client_address.ts";
import { Connections } from "./transport/connections.ts";
import {
  BACKLOG_MAX,
  connectionsWanted,
} from "./transport/descriptor_budget.ts";
import { honoApp } from "./routes/hono_app.ts";
import { HostRule } from "./routes/host_rule.ts";
import { keepAccepting, nodeServer } from "./transport/node_server.ts";
import { isProven, runtimeName } from "./transport/proven_runtimes.ts";
import { RawWriter } from "./transport/raw_write.ts";
import {
  isTrusted,
  requestAddress,
  trustedBy,
} from "./transport/request_address.ts";
import { isHttps } from "./transport/request_scheme.ts";

/** A listening server. */
export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** From now on closes each connection after its answer, so that a client that reconnects can reach another instance. */
  closeAfterAnswers(): void;
  /** Stops listening; resolves when every connection is closed. After `drainMs`, it closes those that are left. */
  close(drainMs: number): Promise<void>;
}

export interface ServeOptions {
  /** Connections that may wait in the kernel to be accepted. @default BACKLOG_MAX */
  readonly backlog?: number;
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
  const { host, port, trustedProxies, allowedHosts } = service.config;
  const hostRule = new HostRule({ host, allowedHosts });
  const trusted = trustedBy(trustedProxies);
  const rawWriter = rawWriterFor(options.runtime ?? runtimeName(), service);
  const incomingOf = ({ env }: { readonly env: unknown }) =>
    (env as { readonly incoming?: IncomingMessage }).incoming;
  const app = honoApp(service, {
    alreadySent: RESPONSE_ALREADY_SENT,
    rawWriter,
    newRequestId: options.newRequestId ?? newRequestId,
    addressOf: (c) => requestAddress(incomingOf(c), trusted),
    isHttps: (c) => isHttps(incomingOf(c), trusted),
    hostRule,
  });
  const connections = connectionsOf(service, {
    ...options,
    isProxy: (peer) => isTrusted(plainAddress(peer), trusted),
  });
  const server = nodeServer(app.fetch, {
    connections,
    figures: service.connections,
    keepAliveMs: service.config.keepAliveMs,
    log: service.log,
  });
  const { onConnection } = options;
  if (onConnection) server.prependListener("connection", () => onConnection());
  const backlog = options.backlog ?? BACKLOG_MAX;
  await listen(server, service, backlog);
  const timer = setInterval(() => {
    connections.sweep();
    if (rawWriter !== null) keepAccepting(server, backlog);
  }, sweepMs(service.config));
  const address = server.address();
  if (typeof address === "object" && address) {
    hostRule.listensOn(address.address);
  }
  return {
    host,
    port: typeof address === "object" && address ? address.port : port,
    closeAfterAnswers: () => connections.closeAfterAnswers(),
    close: async (drainMs) => {
      await closeServer(server, connections, drainMs);
      clearInterval(timer);
    },
  };
}

/** Resolves when the server listens; rejects when the port is not available. */
async function listen(
  server: Server,
  { config: { host, port }, log }: HttpService,
  backlog: number,
): Promise<void> {
  const fail = Promise.withResolvers<never>();
  let isListening = false;
  server.on("error", (error) => {
    if (isListening) log.warn("listener-failed", { error: String(error) });
    else fail.reject(error);
  });
  const listening = new Promise<void>((resolve) => {
    server.listen({ host, port, backlog }, () => resolve());
  });
  await Promise.race([listening, fail.promise]);
  isListening = true;
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

function connectionsOf(
  service: HttpService,
  options: ServeOptions & {
    readonly isProxy: (address: string) => boolean;
  },
): Connections {
  const { config } = service;
  return new Connections({
    connectionsMax: connectionsWanted(config),
    sharePercent: config.addressSharePercent,
    isProxy: options.isProxy,
    requestHeadMs: config.requestHeadMs,
    requestMs: config.requestMs,
    keepAliveMs: config.keepAliveMs,
    writeStallMs: config.writeStallMs,
    figures: service.connections,
    onBypassed: () =>
      service.log.warn("request-gate-bypassed", {
        effect: "no time limit for bodies, answers and idle connections",
      }),
    nowMs: options.nowMs ?? (() => performance.now()),
  });
}

/** Interval of looks at all connections: often enough for the shortest time limit. */
function sweepMs(
  { requestHeadMs, requestMs, writeStallMs }: ServerSettings,
): number {
  const shortestMs = Math.min(requestHeadMs, requestMs, writeStallMs);
  return Math.max(10, Math.min(1000, shortestMs / 4));
}

async function closeServer(
  server: Server,
  connections: Connections,
  drainMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.closeIdle();
  const timer = setTimeout(() => connections.destroyAll(), drainMs);
  await closed;
  clearTimeout(timer);
}
