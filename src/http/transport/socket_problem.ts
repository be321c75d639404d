// Problems for requests that reach no route: as text for a bare socket, or as node's response.
import type { ServerResponse } from "node:http";
import { requestTraceOf } from "../../telemetry/request_trace.ts";

/** The fields of a problem that is sent without a `Response`. */
export interface SocketProblem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Seconds until the client may try again. */
  readonly retryAfter?: number;
}

/** A whole HTTP/1.1 response to what is no readable request; the caller closes the connection after it. */
export function responseText(problem: SocketProblem): string {
  const body = bodyOf(problem);
  const { status, title, retryAfter } = problem;
  return `HTTP/1.1 ${status} ${title}\r\n` +
    "content-type: application/problem+json\r\n" +
    (retryAfter === undefined ? "" : `retry-after: ${retryAfter}\r\n`) +
    `content-length: ${new TextEncoder().encode(body).length}\r\n` +
    `connection: close\r\n\r\n${body}`;
}

/** Answers a request that node has parsed; the connection is closed after the answer. */
export function answerProblem(
  response: ServerResponse,
  problem: SocketProblem,
): void {
  const { headers } = response.req;
  const { requestId } = requestTraceOf({
    requestId: oneOf(headers["x-request-id"]),
    traceparent: undefined,
  });
  response.writeHead(problem.status, {
    "content-type": "application/problem+json",
    "x-request-id": requestId,
    connection: "close",
  });
  response.end(bodyOf(problem, requestId));
}

/** The problem for a request that node's parser has refused. */
export function parserProblem(
  error: { readonly code?: string; readonly reason?: string },
): SocketProblem {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        status: 431,
        title: "Request header too large",
        detail:
          "The request line and headers may have at most 16 KiB; send a long list of channels as JSON with POST",
      };
    case "HPE_INVALID_METHOD":
      return {
        status: 400,
        title: "Unknown method",
        detail:
          "The request does not begin with an HTTP/1.1 method such as GET",
      };
    default:
      return {
        status: 400,
        title: "Malformed request",
        detail: "The request is not valid HTTP/1.1" +
          (error.reason ? `: ${error.reason}` : ""),
      };
  }
}

function bodyOf(
  { status, title, detail }: SocketProblem,
  requestId?: string,
): string {
  return JSON.stringify({
    type: "about:blank",
    title,
    status,
    detail,
    request_id: requestId,
  });
}

function oneOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
