// The node:http server in front of the routes: it limits connections, refuses requests that are not valid HTTP, and
// hands the others to a fetch handler. Invariant: whatever a client sends is answered or its connection is closed;
// nothing that a client sends throws.
import { getRequestListener, RequestError } from "@hono/node-server";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../../telemetry/log.ts";
import { newRequestId } from "../../telemetry/request_trace.ts";
import type { ConnectionFigures } from "./connection_figures.ts";
import type { Connections } from "./connections.ts";
import type { Handshakes } from "../../net/handshakes.ts";
import { PacedResponse } from "./paced_response.ts";
import { problem } from "./problem.ts";
import { statusOfCode } from "./problem_codes.ts";
import { RequestGate } from "./request_gate.ts";
import { refusalOf } from "./request_rules.ts";
import { answerProblem, responseText } from "./socket_problem.ts";

type Fetch = Parameters<typeof getRequestListener>[0];

export interface NodeServerOptions {
  readonly connections: Connections;
  readonly figures: ConnectionFigures;
  /** How long a connection stays open between two requests, ms. */
  readonly keepAliveMs: number;
  readonly log: Logger;
  /** For TLS. @default plain HTTP */
  readonly handshakes?: Handshakes | null;
}

/** A node server whose connections and requests are limited. */
export function nodeServer(
  fetch: Fetch,
  options: NodeServerOptions,
): Server {
  const server = createServer({
    ServerResponse: PacedResponse,
    // Connections and request_rules.ts do this, with a problem as the answer.
    headersTimeout: 0,
    requestTimeout: 0,
    requireHostHeader: false,
    keepAliveTimeout: options.keepAliveMs,
    shouldUpgradeCallback: () => false,
  } as ServerOptions);
  server.maxHeadersCount = 0;
  serveRequests(server, fetch, options);
  limitConnections(server, options);
  return server;
}

/** Hands each request that is valid to `fetch`, and answers the others with a problem. */
function serveRequests(
  server: Server,
  fetch: Fetch,
  { connections, figures: { malformed }, log }: NodeServerOptions,
): void {
  const { docsBase } = connections;
  const listener = getRequestListener(fetch, {
    // Replaced global objects would break cors() on responses that a handler writes itself.
    overrideGlobalObjects: false,
    // For a request without Host, which HTTP/1.0 allows.
    hostname: "localhost",
    errorHandler: (error) => {
      if (error instanceof RequestError) malformed["400"]!++;
      return unreadable(error, log, docsBase);
    },
  });
  const serveRequest = (
    request: IncomingMessage,
    response: ServerResponse,
  ): void => {
    const refusal = refusalOf(request);
    if (refusal === null) return void listener(request, response);
    const status = statusOfCode(refusal.code);
    malformed[status] = (malformed[status] ?? 0) + 1;
    answerProblem(response, refusal, docsBase);
  };
  server.on("request", (request, response) => {
    connections.begin(request, response);
    serveRequest(request, response);
  });
  server.on("checkContinue", (request, response) => {
    connections.begin(request, response);
    if (refusalOf(request) === null) response.writeContinue();
    serveRequest(request, response);
  });
  server.on("checkExpectation", (request, response) => {
    connections.begin(request, response);
    malformed["417"]!++;
    answerProblem(response, {
      code: "expectation_failed",
      detail: "The header Expect may only be 100-continue",
    }, docsBase);
  });
  server.on("connect", (_request, socket: Socket) => {
    malformed["405"]!++;
    refuseConnect(socket, docsBase);
  });
}

function refuseConnect(socket: Socket, docsBase: string): void {
  socket.on("error", () => {});
  socket.on("end", () => socket.destroy());
  socket.end(responseText({
    code: "wrong_method",
    detail: "Qanat is not a proxy and does not serve CONNECT",
  }, docsBase));
  RequestGate.of(socket)?.closeSoon();
}

/** Admits connections, and puts a gate between each and node's parser. */
function limitConnections(
  server: Server,
  { connections, handshakes }: NodeServerOptions,
): void {
  server.on("clientError", (error, socket) => {
    connections.clientError(error, socket as Socket);
  });
  server.on("timeout", (socket) => connections.idle(socket));
  // Node's own listener makes a parser: not for a connection that is refused.
  const accept = server.listeners("connection") as ((s: Socket) => void)[];
  server.removeAllListeners("connection");
  const onDone = (socket: Socket) => {
    keepFromParser(socket);
    for (const listener of accept) listener.call(server, socket);
    connections.gate(socket);
  };
  if (!handshakes) {
    server.on("connection", (socket: Socket) => {
      if (connections.admit(socket) !== null) onDone(socket);
    });
    return;
  }
  handshakes.onDone = onDone;
  const begin = (raw: Socket) => handshakes.begin(raw);
  server.on("connection", (raw: Socket) => {
    connections.admit(raw, begin);
  });
}

/** Keeps node's parser from reading the handle directly, which would bypass RequestGate. */
function keepFromParser(socket: Socket): void {
  const { _handle } = socket as Socket & { _handle?: { _consumed?: boolean } };
  if (_handle) _handle._consumed = true;
}

/** The answer to a request that cannot be turned into a `Request`. */
function unreadable(error: unknown, log: Logger, docsBase: string): Response {
  const requestId = newRequestId();
  const fields = { request_id: requestId };
  const answer = error instanceof RequestError
    ? problem(
      "malformed_request",
      {
        detail: `The request's host or path is not valid: ${error.message}`,
        ...fields,
      },
      {},
      docsBase,
    )
    : problem(
      "internal_error",
      {
        detail:
          "The server failed to answer the request; its log has the reason",
        ...fields,
      },
      {},
      docsBase,
    );
  if (answer.status === 500) {
    log.error("request-failed", {
      error: String(error),
      request_id: requestId,
    });
  }
  answer.headers.set("x-request-id", requestId);
  return answer;
}
