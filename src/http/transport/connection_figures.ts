// Counters of the server's connections. Imports nothing of node, so that app.ts can hold them on any runtime.
import type { SocketWrites } from "./proven_runtimes.ts";
import { TlsFigures } from "../../net/tls_figures.ts";

/** What a connection was waiting for when it was closed for being too slow. */
export type TimedOut = "idle" | "head" | "body" | "answer";

/** Figures of all connections, for /metrics. */
export class ConnectionFigures {
  /** How frames reach the sockets; null while no server has been started. */
  socketWrites: SocketWrites | null = null;
  /** Of a server that listens with TLS. */
  tls: TlsFigures = new TlsFigures();
  /** Connections that are open now. */
  open = 0;
  /** Bytes of pipelined requests that are held until the answer before them is sent. */
  heldBytes = 0;
  /** Bytes of long answers that clients had not read when this was last measured. */
  unreadBytes = 0;
  /** Connections that were accepted and served. */
  accepted = 0;
  /** Connections above the limit (answered with 503), or above their address's share of it (429). */
  refused = 0;
  /** Requests that were refused before any route, as they were not valid HTTP/1.1, by status. */
  readonly malformed: Record<string, number> = {
    "400": 0,
    "405": 0,
    "413": 0,
    "417": 0,
    "431": 0,
  };
  /** Connections closed because bytes did not arrive, or were not read, in time. */
  readonly timedOut: Record<TimedOut, number> = {
    idle: 0,
    head: 0,
    body: 0,
    answer: 0,
  };
  /** Connections closed because the client sent too many further bytes before its answer was finished. */
  overrun = 0;
  /** Connections closed because all unread answers together took too much memory. */
  evicted = 0;
}
