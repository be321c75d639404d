// The connections of the Flight port: limits how many are open, and what each may do.
// Invariant: nothing that a client sends throws; a connection is counted in the pool from its accept to its close. One
// timer looks at all connections.
import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from "node:http2";
import type { BlockList, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { plainAddress } from "../shares/client_address.ts";
import type { SharePool } from "../shares/share_pool.ts";
import {
  forwardedAddress,
  isTrusted,
  trustedBy,
} from "../net/forwarded_address.ts";
import { Handshakes } from "../net/handshakes.ts";
import type { ServerCertificate } from "../net/server_certificate.ts";
import {
  areTooLong,
  callPool,
  messagePool,
  tooManyCalls,
} from "./call_limits.ts";
import { FlightCall } from "./flight_call.ts";
import { FlightService } from "./flight_service.ts";
import { lockSession } from "./reentry_lock.ts";
import type { FlightInstance } from "./service.ts";
import { SessionGuard } from "./session_guard.ts";

/** A connection that has had calls, and has none now, is kept so long. */
const IDLE_MS = 300_000;
const NO_ERROR = 0;
const ENHANCE_YOUR_CALM = 11;

export interface ConnectionOptions {
  /** Connections of all ports. */
  readonly pool: SharePool;
  /** For TLS; the server does not close it. @default without TLS */
  readonly certificate?: Pick<ServerCertificate, "context" | "figures"> | null;
  /** Monotonic clock. @default performance.now */
  readonly nowMs?: () => number;
}

/** The connections of one port. */
export class FlightConnections {
  readonly #server: Http2Server;
  readonly #instance: FlightInstance;
  readonly #service: FlightService;
  readonly #pool: SharePool;
  readonly #nowMs: () => number;
  /** Addresses of proxies. */
  readonly #trusted: BlockList;
  /** Null without TLS. */
  readonly #handshakes: Handshakes | null;
  readonly #guards = new Map<ServerHttp2Session, SessionGuard>();
  readonly #calls = new Set<FlightCall>();
  readonly #callPool: SharePool;
  /** Bytes of arriving messages. */
  readonly #messages: SharePool;
  #isUnlocked = false;

  constructor(
    server: Http2Server,
    instance: FlightInstance,
    options: ConnectionOptions,
  ) {
    const { pool, certificate = null, nowMs = () => performance.now() } =
      options;
    this.#server = server;
    this.#instance = instance;
    this.#service = new FlightService(instance);
    this.#pool = pool;
    this.#nowMs = nowMs;
    this.#callPool = callPool(instance.config, instance.sharePools);
    this.#messages = messagePool(instance.sharePools);
    this.#trusted = trustedBy(instance.config.trustedProxies);
    this.#handshakes = certificate === null ? null : new Handshakes({
      certificate,
      figures: certificate.figures.handshakes,
      requestHeadMs: instance.config.requestHeadMs,
      nowMs,
      protocol: "h2",
    });
    this.#acceptOn(server);
    server.on("session", (session) => this.#begin(session));
    server.on("sessionError", () => {});
    server.on(
      "stream",
      (stream, headers, _flags, rawHeaders) =>
        this.#call(stream as ServerHttp2Stream, headers, rawHeaders),
    );
  }

  /** Applies the time limits to all connections. */
  sweep(): void {
    const nowMs = this.#nowMs();
    const { config } = this.#instance;
    for (const guard of this.#guards.values()) {
      guard.refill(nowMs);
      guard.writes.wake();
      if (guard.calls > 0) continue;
      const limitMs = guard.isUsed ? IDLE_MS : config.requestHeadMs;
      if (nowMs - guard.idleSinceMs > limitMs) guard.close("idle", NO_ERROR);
    }
    for (const call of this.#calls) call.check(nowMs, config);
    this.#handshakes?.sweep();
  }

  closeAfterAnswers(): void {
    for (const session of this.#guards.keys()) session.close();
  }

  async close(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => resolve())
    );
    this.#handshakes?.destroyAll();
    this.closeAfterAnswers();
    const timer = setTimeout(() => {
      for (const session of this.#guards.keys()) session.destroy();
    }, drainMs);
    await closed;
    clearTimeout(timer);
  }

  /** Puts limits and TLS in front of node's own listener, which makes a session of a connection. */
  #acceptOn(server: Http2Server): void {
    const accept = server.listeners("connection") as ((s: Socket) => void)[];
    server.removeAllListeners("connection");
    const begin = (socket: Socket) => {
      for (const listener of accept) listener.call(server, socket);
    };
    const handshakes = this.#handshakes;
    if (handshakes === null) {
      server.on("connection", (socket: Socket) => {
        if (this.#admit(socket) !== null) begin(socket);
      });
      return;
    }
    handshakes.onDone = (socket) => {
      const secured = socket as TLSSocket & { secureConnecting: boolean };
      // The runtime leaves it true on sockets of a server, and its HTTP/2 would wait for it.
      secured.secureConnecting = false;
      if (secured.alpnProtocol === "h2") return begin(secured);
      this.#instance.flight.closed.protocol++;
      secured.on("error", () => {});
      secured.destroy();
    };
    const shakeHands = (raw: Socket) => handshakes.begin(raw);
    server.on("connection", (raw: Socket) => this.#admit(raw, shakeHands));
  }

  /** The socket of a new connection that is served, made by `socketOf`; null: it is closed. */
  #admit(
    raw: Socket,
    socketOf: (raw: Socket) => Socket = (raw) => raw,
  ): Socket | null {
    const { flight } = this.#instance;
    const peer = plainAddress(raw.remoteAddress ?? "");
    // All clients of a proxy share its address.
    const address = isTrusted(peer, this.#trusted) ? "" : peer;
    if (this.#pool.take(address) !== null) {
      flight.refused++;
      raw.on("error", () => {});
      raw.destroy();
      return null;
    }
    flight.accepted++;
    flight.connections++;
    const socket = socketOf(raw);
    socket.once("close", () => {
      flight.connections--;
      this.#pool.release(address);
    });
    return socket;
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

  #call(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ): void {
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
    });
    if (areTooLong(rawHeaders)) {
      stream.on("error", () => {});
      return stream.close(ENHANCE_YOUR_CALM);
    }
    const address = forwardedAddress(
      guard.address,
      joined("x-forwarded-for", rawHeaders),
      this.#trusted,
    );
    const call = new FlightCall({
      stream,
      headers,
      authorization: joined("authorization", rawHeaders),
      writes: guard.writes,
      messages: this.#messages,
      address,
      figures: this.#instance.flight,
      nowMs: this.#nowMs(),
    });
    this.#answer(call, address);
  }

  #answer(call: FlightCall, address: string): void {
    const { stream } = call;
    if (this.#callPool.take(address) !== null) {
      this.#instance.flight.callsRefused++;
      call.end(tooManyCalls());
      return stream.close(NO_ERROR);
    }
    this.#calls.add(call);
    stream.once("close", () => {
      this.#callPool.release(address);
      this.#calls.delete(call);
    });
    void this.#service.answer(call);
  }
}

/** All values of a header; the library's own object of headers has only the first. `raw`: names and values in turn. */
function joined(name: string, raw: readonly string[]): string {
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1] === name).join(", ");
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
