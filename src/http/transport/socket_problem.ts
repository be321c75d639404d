// Problems for requests that reach no route: as text for a bare socket, or as node's response.
import type { ServerResponse } from "node:http";
import { requestTraceOf } from "../../telemetry/request_trace.ts";
import { problemText } from "./problem.ts";
import {
  type ProblemCode,
  statusOfCode,
  titleOfCode,
} from "./problem_codes.ts";

/** A problem that is sent without a `Response`. */
export interface SocketProblem {
  readonly code: ProblemCode;
  readonly detail: string;
  /** Seconds until the client may try again. */
  readonly retryAfter?: number;
}

/**
 * A whole HTTP/1.1 response to what is no readable request; the caller closes the connection after it. `docsBase`: the
 * path before `/docs`.
 */
export function responseText(problem: SocketProblem, docsBase: string): string {
  const { code, detail, retryAfter } = problem;
  const body = problemText(code, { detail }, docsBase);
  return `HTTP/1.1 ${statusOfCode(code)} ${titleOfCode(code)}\r\n` +
    "content-type: application/problem+json\r\n" +
    "cache-control: no-store\r\n" +
    (retryAfter === undefined ? "" : `retry-after: ${retryAfter}\r\n`) +
    `content-length: ${new TextEncoder().encode(body).length}\r\n` +
    `connection: close\r\n\r\n${body}`;
}

/** Answers a request that node has parsed; the connection is closed after the answer. */
export function answerProblem(
  response: ServerResponse,
  { code, detail }: SocketProblem,
  docsBase: string,
): void {
  const { headers } = response.req;
  const { requestId } = requestTraceOf({
    requestId: oneOf(headers["x-request-id"]),
    traceparent: undefined,
  });
  response.writeHead(statusOfCode(code), {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-request-id": requestId,
    connection: "close",
  });
  response.end(problemText(code, { detail, request_id: requestId }, docsBase));
}

/** The problem for a request that node's parser has refused. */
export function parserProblem(
  error: { readonly code?: string; readonly reason?: string },
): SocketProblem {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        code: "request_head_too_large",
        detail:
          "The request line and headers may have at most 16 KiB; send a long list of channels as JSON with POST",
      };
    case "HPE_INVALID_METHOD":
      return {
        code: "malformed_request",
        detail:
          "The request does not begin with an HTTP/1.1 method such as GET",
      };
    default:
      return {
        code: "malformed_request",
        detail: "The request is not valid HTTP/1.1" +
          (error.reason ? `: ${error.reason}` : ""),
      };
  }
}

function oneOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
