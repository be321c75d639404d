// Listens for Arrow Flight with node:http2, and limits its connections.
// Invariant: nothing that a client sends throws; a connection is counted in the pool from its accept to its close. One
// timer looks at all connections. Why node:http2: docs/flight.md.
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { SharePool } from "../shares/share_pool.ts";
import { plainAddress } from "../shares/client_address.ts";
import { FlightCall } from "./flight_call.ts";
import { FlightService } from "./flight_service.ts";
import { lockSession } from "./reentry_lock.ts";
import type { FlightInstance } from "./service.ts";
import { SessionGuard } from "./session_guard.ts";

/** Calls of one connection at a time; a client waits with more. */
const CALLS_A_CONNECTION_MAX = 1000;
/** Bytes of a call's headers. */
const HEADERS_BYTES_MAX = 16 * 1024;
/** A connection that has had calls, and has none now, is kept so long. */
const IDLE_MS = 300_000;
const SWEEP_MS = 1000;
const NO_ERROR = 0;

/** A listening Flight port. */
export interface FlightServer {
  readonly host: string;
  readonly port: number;
  /** From now on each connection takes no further calls, so that a client that connects again can reach another instance. */
  closeAfterAnswers(): void;
  /** Stops listening; resolves when every connection is closed. After `drainMs`, it closes those that are left. */
  close(drainMs: number): Promise<void>;
}

export interface FlightServeOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Connections of all ports. */
  readonly pool: SharePool;
  /** Connections that may wait in the kernel to be accepted. */
  readonly backlog: number;
  /** Monotonic clock. @default performance.now */
  readonly nowMs?: () => number;
}

/** Listens and serves until closed. Rejects when the port is not available. */
export async function serveFlight(
  instance: FlightInstance,
  options: FlightServeOptions,
): Promise<FlightServer> {
  const { host } = options;
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
    server.listen(
      { host, port: flightPort, backlog: options.backlog },
      () => resolve(),
    );
  });
  await Promise.race([listening, fail.promise]);
  const timer = setInterval(() => connections.sweep(), SWEEP_MS);
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

/** The connections of one port. */
class FlightConnections {
  readonly #server: Http2Server;
  readonly #instance: FlightInstance;
  readonly #service: FlightService;
  readonly #pool: SharePool;
  readonly #nowMs: () => number;
  readonly #guards = new Map<ServerHttp2Session, SessionGuard>();
  readonly #calls = new Set<FlightCall>();
  #isUnlocked = false;

  constructor(
    server: Http2Server,
    instance: FlightInstance,
    { pool, nowMs = () => performance.now() }: FlightServeOptions,
  ) {
    this.#server = server;
    this.#instance = instance;
    this.#service = new FlightService(instance);
    this.#pool = pool;
    this.#nowMs = nowMs;
    // Node's own listener makes a session: not for a connection that is refused.
    const accept = server.listeners("connection") as ((s: Socket) => void)[];
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      if (!this.#admit(socket)) return;
      for (const listener of accept) listener.call(server, socket);
    });
    server.on("session", (session) => this.#begin(session));
    server.on("sessionError", () => {});
    server.on(
      "stream",
      (stream, headers) => this.#call(stream as ServerHttp2Stream, headers),
    );
  }

  /** Applies the time limits to all connections. */
  sweep(): void {
    const nowMs = this.#nowMs();
    const { config } = this.#instance;
    for (const guard of this.#guards.values()) {
      guard.refill(nowMs);
      if (guard.calls > 0) continue;
      const limitMs = guard.isUsed ? IDLE_MS : config.requestHeadMs;
      if (nowMs - guard.idleSinceMs > limitMs) guard.close("idle", NO_ERROR);
    }
    for (const call of this.#calls) call.check(nowMs, config);
  }

  closeAfterAnswers(): void {
    for (const session of this.#guards.keys()) session.close();
  }

  async close(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => resolve())
    );
    this.closeAfterAnswers();
    const timer = setTimeout(() => {
      for (const session of this.#guards.keys()) session.destroy();
    }, drainMs);
    await closed;
    clearTimeout(timer);
  }

  /** Whether a new connection is served; otherwise it is closed. */
  #admit(socket: Socket): boolean {
    const { flight } = this.#instance;
    const address = plainAddress(socket.remoteAddress ?? "");
    if (this.#pool.take(address) !== null) {
      flight.refused++;
      socket.on("error", () => {});
      socket.destroy();
      return false;
    }
    flight.accepted++;
    flight.connections++;
    socket.once("close", () => {
      flight.connections--;
      this.#pool.release(address);
    });
    return true;
  }

  #begin(session: ServerHttp2Session): void {
    const { flight } = this.#instance;
    if (!lockSession(session)) this.#warnOfUnlocked();
    const guard = new SessionGuard(session, {
      address: plainAddress(session.socket?.remoteAddress ?? ""),
      nowMs: this.#nowMs(),
      onClose: (reason) => flight.closed[reason]++,
    });
    this.#guards.set(session, guard);
    session.on("ping", () => guard.count("pings"));
    session.on("remoteSettings", () => guard.count("settings"));
    session.on("error", () => {});
    destroyQuietly(session, () => flight.closed.protocol++);
    session.once("close", () => this.#guards.delete(session));
  }

  #warnOfUnlocked(): void {
    if (this.#isUnlocked) return;
    this.#isUnlocked = true;
    this.#instance.log.error("flight-not-locked", {
      effect:
        "clients of the Flight port may end the process: this version of Deno is not the one that Qanat is tested with",
    });
  }

  #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const guard = this.#guards.get(stream.session as ServerHttp2Session);
    if (guard === undefined) {
      stream.on("error", () => {});
      return void stream.destroy();
    }
    guard.calls++;
    guard.isUsed = true;
    stream.once("close", () => {
      guard.calls--;
      guard.idleSinceMs = this.#nowMs();
      if (stream.rstCode !== NO_ERROR) guard.count("resets");
      this.#calls.delete(call);
    });
    const call = new FlightCall({
      stream,
      headers,
      address: guard.address,
      figures: this.#instance.flight,
      nowMs: this.#nowMs(),
    });
    this.#calls.add(call);
    void this.#service.answer(call);
  }
}

/**
 * The library destroys the streams of a connection with the error of the connection. A stream whose headers are not
 * complete has no listener for it yet, so the error would end the process, as h2spec showed (docs/flight.md).
 */
function destroyQuietly(
  session: ServerHttp2Session,
  onProtocolError: () => void,
): void {
  const { destroy } = session;
  session.destroy = (error, code) => {
    const isError = error instanceof Error;
    if (isError && "code" in error && error.code === "ERR_HTTP2_ERROR") {
      onProtocolError();
    }
    destroy.call(session, undefined, isError ? code : error ?? code);
  };
}
