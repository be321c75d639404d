// All connections of a server: limits how many are open, and how long each may take for a request and its answer.
// Invariant: a connection that is refused or too slow is closed, after a problem as the answer where one can be sent.
// One timer looks at all connections.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LocalSharePool } from "../../shares/local_share_pool.ts";
import type { SharePool } from "../../shares/share_pool.ts";
import type { SharePools } from "../../shares/share_pools.ts";
import type { ConnectionFigures, TimedOut } from "./connection_figures.ts";
import { ConnectionMemory } from "./connection_memory.ts";
import { ConnectionRefusals } from "./connection_refusals.ts";
import { PacedResponse } from "./paced_response.ts";
import {
  CHUNKED_BYTES_MAX,
  type GateHost,
  RequestGate,
} from "./request_gate.ts";
import { statusOfCode } from "./problem_codes.ts";
import {
  parserProblem,
  responseText,
  type SocketProblem,
} from "./socket_problem.ts";

/** After the last answer, the server waits so long for the client to close the connection. */
const LINGER_MS = 2000;
/** Grace on top of `keepAliveMs`, for a request that is on its way. Node uses the same. */
const KEEP_ALIVE_SLACK_MS = 1000;

export interface ConnectionSettings {
  readonly connectionsMax: number;
  /** One address may hold this part of the connections that other addresses leave free, percent: 1 to 100. */
  readonly sharePercent: number;
  /** Whether settings have these two limits. @default true */
  readonly hasSettings?: boolean | undefined;
  /** Connections by address, of all ports. @default those of this server alone */
  readonly pool?: SharePool | undefined;
  /** What this thread counts together with others. @default pools of its own */
  readonly sharePools?: SharePools | undefined;
  /** Threads that serve. @default 1 */
  readonly workers?: number | undefined;
  /** Whether an address belongs to a trusted proxy, whose clients all share it: its connections are not counted by address. */
  readonly isProxy: (address: string) => boolean;
  readonly requestHeadMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly writeStallMs: number;
  readonly figures: ConnectionFigures;
  /** Whether clients expect TLS: a connection that is refused is closed without an answer. */
  readonly isTls?: boolean;
  /** Path before `/docs` in the addresses that problems name. @default "" */
  readonly docsBase?: string | undefined;
  /** Called once when the runtime reads requests past {@linkcode RequestGate}: their time limits do not hold. */
  readonly onBypassed?: () => void;
  /** Monotonic clock. */
  readonly nowMs: () => number;
}

/** The connections of one server. */
export class Connections implements GateHost {
  readonly nowMs: () => number;
  /** Path before `/docs` in the addresses that problems name. */
  readonly docsBase: string;
  isLastAnswer = false;
  readonly #settings: ConnectionSettings;
  readonly #figures: ConnectionFigures;
  /** Served connections with the address that each is counted for; "" for a trusted proxy. */
  readonly #sockets = new Map<Socket, string>();
  readonly #pool: SharePool;
  readonly #memory: ConnectionMemory;
  #isBypassed = false;
  readonly #refusals: ConnectionRefusals;

  constructor(settings: ConnectionSettings) {
    const { connectionsMax, sharePercent, figures, nowMs } = settings;
    this.#settings = settings;
    this.#figures = figures;
    this.#pool = settings.pool ??
      new LocalSharePool({ capacity: connectionsMax, sharePercent });
    this.#memory = new ConnectionMemory(settings);
    this.nowMs = nowMs;
    this.docsBase = settings.docsBase ?? "";
    this.#refusals = new ConnectionRefusals(settings);
  }

  /** The socket of a new connection that is served, made by `socketOf`; null: it was answered with a problem. */
  admit(
    raw: Socket,
    socketOf: (raw: Socket) => Socket = (raw) => raw,
  ): Socket | null {
    const peer = raw.remoteAddress ?? "";
    const address = this.#settings.isProxy(peer) ? "" : peer;
    const refusal = this.#pool.take(address);
    if (refusal !== null) {
      this.#figures.refused++;
      this.#refusals.refuse(raw, refusal);
      return null;
    }
    const socket = socketOf(raw);
    this.#sockets.set(socket, address);
    this.#figures.open++;
    this.#figures.accepted++;
    // One function for all sockets, so that a connection costs no closure.
    socket.on("close", this.#onClose);
    return socket;
  }

  /** Puts a gate in front of node's parser, after node has added its listeners to the socket. */
  gate(socket: Socket): void {
    RequestGate.put(socket, this);
  }

  /** Node has parsed the head of a request. */
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

  /** Closes a connection that was idle between two requests for too long. */
  idle(socket: Socket): void {
    this.#timedOut("idle", socket);
  }

  hold(byteLength: number): boolean {
    return this.#memory.hold(byteLength);
  }

  bypassed(): void {
    if (this.#isBypassed) return;
    this.#isBypassed = true;
    this.#settings.onBypassed?.();
  }

  overrun(gate: RequestGate): void {
    this.#figures.overrun++;
    gate.socket.destroy();
  }

  bodyTooLong({ socket }: RequestGate): void {
    this.#answerAndClose(socket, {
      code: "body_too_large",
      detail:
        `A chunked body, with its framing, may have at most ${CHUNKED_BYTES_MAX} bytes`,
    });
  }

  /** Closes connections that are too slow. Called about once a second, more often where the limits are short. */
  sweep(): void {
    const nowMs = this.nowMs();
    let unreadBytes = 0;
    for (const socket of this.#sockets.keys()) {
      const gate = RequestGate.of(socket);
      if (gate !== undefined) unreadBytes += this.#check(gate, nowMs);
    }
    const bytesMax = this.#memory.measured(unreadBytes);
    if (unreadBytes > bytesMax) this.#evict(unreadBytes, bytesMax);
    this.#refusals.sweep();
  }

  /** Closes idle connections, and from now on each other one after its answer. */
  closeAfterAnswers(): void {
    this.isLastAnswer = true;
    for (const socket of this.#sockets.keys()) {
      if (RequestGate.of(socket)?.phase === "idle") socket.destroy();
    }
  }

  /** Closes all connections that have no request under way. */
  closeIdle(): void {
    for (const socket of this.#sockets.keys()) {
      const phase = RequestGate.of(socket)?.phase;
      if (phase === "fresh" || phase === "idle") socket.destroy();
    }
    this.#refusals.closeAll();
  }

  destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  /** Applies the time limits to one connection; returns how many bytes of its answer the client has not read. */
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
          this.#answerLate("head", socket, "line and headers", requestHeadMs);
        }
        return 0;
      case "closing":
        if (forMs > LINGER_MS) socket.destroy();
        return 0;
      case "idle":
        // Node's own timer restarts with every byte, even of blank lines.
        if (forMs > keepAliveMs + KEEP_ALIVE_SLACK_MS) this.idle(socket);
        return 0;
      case "body":
        if (nowMs - gate.requestMs > requestMs) {
          this.#answerLate("body", socket, "body", requestMs);
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

  #answerLate(
    phase: TimedOut,
    socket: Socket,
    what: string,
    limitMs: number,
  ): void {
    this.#figures.timedOut[phase]++;
    this.#answerAndClose(socket, {
      code: "request_too_slow",
      detail: `The request's ${what} did not arrive within ${limitMs} ms`,
    });
  }

  #timedOut(phase: TimedOut, socket: Socket): void {
    this.#figures.timedOut[phase]++;
    socket.destroy();
  }

  /** Closes the connections whose clients have read nothing for the longest time, until the rest fits. */
  #evict(unreadBytes: number, bytesMax: number): void {
    const gates: RequestGate[] = [];
    for (const socket of this.#sockets.keys()) {
      const gate = RequestGate.of(socket);
      if (gate?.response?.queuedBytes) gates.push(gate);
    }
    gates.sort((a, b) => a.sinceMs - b.sinceMs);
    let left = unreadBytes;
    for (const { socket, response } of gates) {
      if (left <= bytesMax) return;
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
    const status = statusOfCode(problem.code);
    if (status !== 408) malformed[status] = (malformed[status] ?? 0) + 1;
    socket.write(responseText(problem, this.docsBase));
    if (gate) gate.closeSoon();
    else socket.end();
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
