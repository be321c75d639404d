// All connections of a server: how many there may be, and how long each may take for what it does.
// Invariant: one timer for all; a connection that is refused or over its time is answered where it can be, and closed.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { AddressPool, type PoolRefusal } from "../../clients/address_pool.ts";
import type { ConnectionFigures, TimedOut } from "./connection_figures.ts";
import { PacedResponse } from "./paced_response.ts";
import {
  CHUNKED_BYTES_MAX,
  type GateHost,
  RequestGate,
} from "./request_gate.ts";
import {
  parserProblem,
  responseText,
  type SocketProblem,
} from "./socket_problem.ts";

/** Bytes behind unfinished answers, of all connections. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes of long answers that nobody reads, of all connections. */
const UNREAD_BYTES_MAX = 256 * 1024 * 1024;
/** A connection whose last answer is given waits so long for the client to close it. */
const LINGER_MS = 2000;
/** A request may be on its way when the time between two is over. Node takes the same. */
const KEEP_ALIVE_SLACK_MS = 1000;
/** Refused connections that may read their answer at the same time. */
const REFUSED_MAX = 32;
const RETRY_AFTER_SECONDS = 5;

export interface ConnectionSettings {
  readonly connectionsMax: number;
  /** Of what other addresses leave, the part that one may hold: 1 to 100. */
  readonly sharePercent: number;
  /** Whether an address is that of a proxy whose clients share it. */
  readonly isProxy: (address: string) => boolean;
  readonly requestHeadMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly writeStallMs: number;
  readonly figures: ConnectionFigures;
  /** A clock that nobody sets. */
  readonly nowMs: () => number;
}

export class Connections implements GateHost {
  readonly nowMs: () => number;
  readonly #settings: ConnectionSettings;
  readonly #figures: ConnectionFigures;
  /** Served connections, and the address that each counts for; "" for a proxy's. */
  readonly #sockets = new Map<Socket, string>();
  readonly #pool: AddressPool;
  /** Refused ones that have not closed yet, and since when. */
  readonly #refused = new Map<Socket, number>();
  readonly #refusals: Readonly<Record<"full" | "share", string>>;

  constructor(settings: ConnectionSettings) {
    const { connectionsMax, sharePercent, figures, nowMs } = settings;
    this.#settings = settings;
    this.#figures = figures;
    this.#pool = new AddressPool({ capacity: connectionsMax, sharePercent });
    this.nowMs = nowMs;
    this.#refusals = {
      full: responseText({
        status: 503,
        title: "Too many connections",
        detail:
          `The limit of ${connectionsMax} connections (--connections-max) is reached; try again later`,
        retryAfter: RETRY_AFTER_SECONDS,
      }),
      share: responseText({
        status: 429,
        title: "Too many connections from your address",
        detail:
          `One address may hold ${sharePercent} % of what others leave of ${connectionsMax} connections ` +
          `(--address-share-percent, --connections-max); close some`,
        retryAfter: RETRY_AFTER_SECONDS,
      }),
    };
  }

  /** Whether a new connection is to be served; else it has its answer. */
  admit(socket: Socket): boolean {
    const peer = socket.remoteAddress ?? "";
    const address = this.#settings.isProxy(peer) ? "" : peer;
    const refusal = this.#pool.take(address);
    if (refusal !== null) {
      this.#refuse(socket, refusal);
      return false;
    }
    this.#sockets.set(socket, address);
    this.#figures.open++;
    this.#figures.accepted++;
    // One function for all of them.
    socket.on("close", this.#onClose);
    return true;
  }

  /** Node has put its listeners on an admitted connection. */
  gate(socket: Socket): void {
    RequestGate.put(socket, this);
  }

  /** A request begins. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    if (!(response instanceof PacedResponse)) return;
    RequestGate.of(request.socket)?.begin(request, response);
  }

  /** Node could not parse a request, or the connection broke. */
  clientError(
    error: Error & { readonly code?: string; readonly reason?: string },
    socket: Socket,
  ): void {
    const isParsers = error.code?.startsWith("HPE_") ?? false;
    if (!isParsers || !socket.writable) return void socket.destroy();
    this.#answerAndClose(socket, parserProblem(error));
  }

  /** Node found a connection idle between two requests for too long. */
  idle(socket: Socket): void {
    this.#timedOut("idle", socket);
  }

  hold(byteLength: number): boolean {
    const heldBytes = this.#figures.heldBytes + byteLength;
    if (byteLength > 0 && heldBytes > HELD_BYTES_MAX) return false;
    this.#figures.heldBytes = heldBytes;
    return true;
  }

  overrun(gate: RequestGate): void {
    this.#figures.overrun++;
    gate.socket.destroy();
  }

  bodyTooLong({ socket }: RequestGate): void {
    this.#answerAndClose(socket, {
      status: 413,
      title: "Body too large",
      detail:
        `The body has more than ${CHUNKED_BYTES_MAX} bytes with its chunks' framing`,
    });
  }

  /** Closes what is over its time. Called about once a second, and more often where times are short. */
  sweep(): void {
    const nowMs = this.nowMs();
    let unreadBytes = 0;
    for (const socket of this.#sockets.keys()) {
      const gate = RequestGate.of(socket);
      if (gate !== undefined) unreadBytes += this.#check(gate, nowMs);
    }
    this.#figures.unreadBytes = unreadBytes;
    if (unreadBytes > UNREAD_BYTES_MAX) this.#evict(unreadBytes);
    for (const [socket, sinceMs] of this.#refused) {
      if (nowMs - sinceMs > LINGER_MS) socket.destroy();
    }
  }

  /** Closes all connections on which nothing is under way. */
  closeIdle(): void {
    for (const socket of this.#sockets.keys()) {
      const phase = RequestGate.of(socket)?.phase;
      if (phase === "fresh" || phase === "idle") socket.destroy();
    }
    for (const socket of this.#refused.keys()) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  /** Looks at one connection; returns how many bytes of its answer wait for the client. */
  #check(gate: RequestGate, nowMs: number): number {
    const { requestHeadMs, requestMs, keepAliveMs, writeStallMs } =
      this.#settings;
    const { socket, response } = gate;
    const forMs = nowMs - gate.sinceMs;
    switch (gate.phase) {
      case "fresh":
        if (forMs > requestHeadMs) this.#timedOut("idle", socket);
        return 0;
      case "head":
        if (forMs > requestHeadMs) {
          this.#late("head", socket, "line and headers", requestHeadMs);
        }
        return 0;
      case "closing":
        if (forMs > LINGER_MS) socket.destroy();
        return 0;
      case "idle":
        // Node's own timer starts anew with every byte, blank lines too.
        if (forMs > keepAliveMs + KEEP_ALIVE_SLACK_MS) this.idle(socket);
        return 0;
      case "body":
        if (nowMs - gate.requestMs > requestMs) {
          this.#late("body", socket, "body", requestMs);
          return 0;
        }
    }
    if (response === null || response.isStream) return 0;
    if (response.hasProgress) {
      response.hasProgress = false;
      gate.sinceMs = nowMs;
    } else if (response.headersSent && forMs > writeStallMs) {
      this.#timedOut("answer", socket);
      return 0;
    }
    return response.queuedBytes;
  }

  #late(phase: TimedOut, socket: Socket, what: string, limitMs: number): void {
    this.#figures.timedOut[phase]++;
    this.#answerAndClose(socket, {
      status: 408,
      title: "Request timeout",
      detail: `The request's ${what} did not come within ${limitMs} ms`,
    });
  }

  #timedOut(phase: TimedOut, socket: Socket): void {
    this.#figures.timedOut[phase]++;
    socket.destroy();
  }

  /** Those whose client has read nothing for longest, until the others fit. */
  #evict(unreadBytes: number): void {
    const gates: RequestGate[] = [];
    for (const socket of this.#sockets.keys()) {
      const gate = RequestGate.of(socket);
      if (gate?.response?.queuedBytes) gates.push(gate);
    }
    gates.sort((a, b) => a.sinceMs - b.sinceMs);
    let left = unreadBytes;
    for (const { socket, response } of gates) {
      if (left <= UNREAD_BYTES_MAX) return;
      left -= response!.queuedBytes;
      this.#figures.evicted++;
      socket.destroy();
    }
  }

  #answerAndClose(socket: Socket, problem: SocketProblem): void {
    const gate = RequestGate.of(socket);
    const isAnswered = gate?.phase === "closing" ||
      gate?.response?.headersSent;
    if (isAnswered) return void socket.destroy();
    const { malformed } = this.#figures;
    const { status } = problem;
    if (status !== 408) malformed[status] = (malformed[status] ?? 0) + 1;
    socket.write(responseText(problem));
    if (gate) gate.closeSoon();
    else socket.end();
  }

  #refuse(socket: Socket, refusal: PoolRefusal): void {
    this.#figures.refused++;
    socket.on("error", ignore);
    socket.end(this.#refusals[refusal === "full" ? "full" : "share"]);
    if (this.#refused.size >= REFUSED_MAX) return void socket.destroy();
    this.#refused.set(socket, this.nowMs());
    socket.on("close", () => this.#refused.delete(socket));
    // What it asks for is read and dropped: bytes unread at a close would reset the answer.
    socket.resume();
  }

  readonly #onClose = (() => {
    // deno-lint-ignore no-this-alias -- the listener's own `this` is the socket
    const connections = this;
    return function (this: Socket) {
      const address = connections.#sockets.get(this);
      if (address === undefined) return;
      connections.#sockets.delete(this);
      connections.#pool.release(address);
      connections.#figures.open--;
      RequestGate.of(this)?.closed();
    };
  })();
}

function ignore(): void {}
