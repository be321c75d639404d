// A listening node:http server in front of an application: limits its connections, sweeps them, and closes them at the end.
import type { Server } from "node:http";
import type { SharePool } from "../shares/share_pool.ts";
import { plainAddress } from "../shares/client_address.ts";
import type { HostRule } from "./routes/host_rule.ts";
import type { HttpService, ServerSettings } from "./service.ts";
import { isTrusted, trustedBy } from "../net/forwarded_address.ts";
import { keepAccepting } from "../net/keep_accepting.ts";
import { Connections } from "./transport/connections.ts";
import { Handshakes } from "../net/handshakes.ts";
import { nodeServer } from "./transport/node_server.ts";
import { docsBaseOf } from "./transport/problem.ts";
import type { ServerCertificate } from "../net/server_certificate.ts";

/** A listening server. */
export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** From now on closes each connection after its answer, so that a client that reconnects can reach another instance. */
  closeAfterAnswers(): void;
  /** Stops listening; resolves when every connection is closed. After `drainMs`, it closes those that are left. */
  close(drainMs: number): Promise<void>;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly app: { readonly fetch: Parameters<typeof nodeServer>[0] };
  /** Gets the address that the server really has. */
  readonly hostRule: HostRule;
  readonly connectionsMax: number;
  readonly sharePercent: number;
  /** Whether settings have these two limits. @default true */
  readonly hasSettings?: boolean | undefined;
  /** Connections by address, of several ports. @default those of this one alone */
  readonly pool?: SharePool | undefined;
  /** Connections that may wait in the kernel to be accepted. */
  readonly backlog: number;
  /** Whether other threads of the process listen on the port as well. @default false */
  readonly reusePort?: boolean | undefined;
  /** For TLS; it is closed with the server. @default plain HTTP */
  readonly certificate?: ServerCertificate | null | undefined;
  /** Whether native handles are used, so that the listener can recover (see {@linkcode keepAccepting}). */
  readonly usesHandles: boolean;
  /** Called for each accepted connection, also one that is then refused. */
  readonly onConnection?: (() => void) | undefined;
  /** Monotonic clock. @default performance.now */
  readonly nowMs?: (() => number) | undefined;
}

/** Listens and serves until closed. Rejects when the port is not available. */
export async function startListener(
  service: HttpService,
  options: ListenerOptions,
): Promise<HttpServer> {
  const { app, backlog, host, hostRule, onConnection, port } = options;
  const connections = connectionsOf(service, options);
  const handshakes = handshakesOf(service, options);
  const server = nodeServer(app.fetch, {
    handshakes,
    connections,
    figures: service.connections,
    keepAliveMs: service.config.keepAliveMs,
    log: service.log,
  });
  if (onConnection) server.prependListener("connection", () => onConnection());
  await listen(server, service, options);
  const timer = setInterval(() => {
    connections.sweep();
    handshakes?.sweep();
    if (options.usesHandles) keepAccepting(server, backlog);
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
      options.certificate?.close();
      handshakes?.destroyAll();
      await closeServer(server, connections, drainMs);
      clearInterval(timer);
    },
  };
}

/** Resolves when the server listens; rejects when the port is not available. */
async function listen(
  server: Server,
  { log }: HttpService,
  { host, port, backlog, reusePort = false }: ListenerOptions,
): Promise<void> {
  const fail = Promise.withResolvers<never>();
  let isListening = false;
  server.on("error", (error) => {
    if (isListening) log.warn("listener-failed", { error: String(error) });
    else fail.reject(error);
  });
  const listening = new Promise<void>((resolve) => {
    server.listen({ host, port, backlog, reusePort }, () => resolve());
  });
  await Promise.race([listening, fail.promise]);
  isListening = true;
}

/** Null without TLS. */
function handshakesOf(
  { config: { requestHeadMs }, connections }: HttpService,
  { certificate = null, nowMs = () => performance.now() }: ListenerOptions,
): Handshakes | null {
  if (certificate === null) return null;
  connections.tls = certificate.figures;
  const { handshakes: figures } = certificate.figures;
  return new Handshakes({
    certificate,
    figures,
    requestHeadMs,
    nowMs,
    protocol: "http/1.1",
  });
}

function connectionsOf(
  { config, connections, log, sharePools }: HttpService,
  { certificate, connectionsMax, sharePercent, hasSettings, pool, nowMs }:
    ListenerOptions,
): Connections {
  const trusted = trustedBy(config.trustedProxies);
  return new Connections({
    connectionsMax,
    sharePercent,
    hasSettings,
    pool,
    sharePools,
    workers: config.workers,
    isProxy: (peer) => isTrusted(plainAddress(peer), trusted),
    requestHeadMs: config.requestHeadMs,
    requestMs: config.requestMs,
    keepAliveMs: config.keepAliveMs,
    writeStallMs: config.writeStallMs,
    figures: connections,
    onBypassed: () =>
      log.warn("request-gate-bypassed", {
        effect: "no time limit for bodies, answers and idle connections",
      }),
    nowMs: nowMs ?? (() => performance.now()),
    isTls: Boolean(certificate),
    docsBase: docsBaseOf(config),
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
