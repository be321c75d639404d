// The TLS handshakes of accepted connections. Invariant: each ends in one way, which is counted and not logged; one that
// is not done in time is closed.
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import type { HandshakeEnd } from "./tls_figures.ts";

export interface HandshakesOptions {
  readonly certificate: { readonly context: SecureContext };
  readonly figures: Record<HandshakeEnd, number>;
  /** Time for a handshake from the accept on, ms. */
  readonly requestHeadMs: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** What the port speaks, by the name that ALPN has for it. */
  readonly protocol: "http/1.1" | "h2";
}

/** A client that sends other bytes, such as plain HTTP. */
const NOT_TLS: ReadonlySet<string | undefined> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_HTTP_REQUEST",
]);

/** The handshakes that are under way on one server. */
export class Handshakes {
  /** Takes a connection whose handshake is done. */
  onDone: (socket: Socket) => void = () => {};
  readonly #options: HandshakesOptions;
  /** With the time of the accept, and the end that is counted if the connection closes now. */
  readonly #pending = new Map<Socket, { sinceMs: number; end: HandshakeEnd }>();

  constructor(options: HandshakesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Starts the handshake of an accepted connection; returns the socket for its plain text. */
  begin(raw: Socket): Socket {
    const { certificate, nowMs, protocol } = this.#options;
    // Its errors also arrive at the other socket.
    raw.on("error", ignore);
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: certificate.context,
      ALPNProtocols: [protocol],
      requestCert: false,
    });
    const pending = { sinceMs: nowMs(), end: "failed" as HandshakeEnd };
    this.#pending.set(socket, pending);
    const onError = (error: Error & { code?: string }) => {
      if (NOT_TLS.has(error.code)) pending.end = "not_tls";
    };
    const onClose = () => this.#ended(socket, pending.end);
    socket.on("error", onError);
    socket.once("close", onClose);
    socket.once("secure", () => {
      socket.removeListener("close", onClose);
      this.#ended(socket, "done");
      this.onDone(socket);
      // Only now: a socket without a listener for errors would throw one.
      socket.removeListener("error", onError);
    });
    return socket;
  }

  /** Closes the connections whose handshake takes too long. */
  sweep(): void {
    const { nowMs, requestHeadMs } = this.#options;
    const earliestMs = nowMs() - requestHeadMs;
    for (const [socket, pending] of this.#pending) {
      // In the order in which they began.
      if (pending.sinceMs >= earliestMs) return;
      pending.end = "timed_out";
      socket.destroy();
    }
  }

  /** Closes all connections whose handshake is under way. */
  destroyAll(): void {
    for (const socket of this.#pending.keys()) socket.destroy();
  }

  #ended(socket: Socket, end: HandshakeEnd): void {
    if (this.#pending.delete(socket)) this.#options.figures[end]++;
  }
}

function ignore(): void {}
