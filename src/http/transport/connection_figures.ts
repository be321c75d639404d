// What the server counts about its connections. Needs no sockets, so that app.ts can hold it on any runtime.

/** What a connection was waiting for when its time was over. */
export type TimedOut = "idle" | "head" | "body" | "answer";

/** Figures of all connections, for /metrics. */
export class ConnectionFigures {
  /** Connections that are served now. */
  open = 0;
  /** Bytes that wait behind unfinished answers. */
  heldBytes = 0;
  /** Bytes of long answers that wait for their clients, when last looked at. */
  unreadBytes = 0;
  /** Connections that were served. */
  accepted = 0;
  /** Connections above the limit (answered with 503), or above their address's share of it (429). */
  refused = 0;
  /** Requests that were not HTTP/1.1 as the server takes it, by status. */
  readonly malformed: Record<string, number> = {
    "400": 0,
    "405": 0,
    "413": 0,
    "417": 0,
    "431": 0,
  };
  /** Connections closed for what did not come in time, or was not read in time. */
  readonly timedOut: Record<TimedOut, number> = {
    idle: 0,
    head: 0,
    body: 0,
    answer: 0,
  };
  /** Connections closed because too much was sent behind an unfinished answer. */
  overrun = 0;
  /** Connections closed because unread answers took too much memory in all. */
  evicted = 0;
}
