// Checks of a parsed request before any route: exactly one Host header, not too many headers, a target that is a path.
// Invariant: the time is linear in the length of the request's head.
import type { IncomingMessage } from "node:http";
import { CHUNKED_BYTES_MAX } from "./request_gate.ts";
import type { SocketProblem } from "./socket_problem.ts";

/** Most header lines of one request. */
export const HEADERS_MAX = 100;

/** The problem that refuses a request; null when it is valid. An absolute target is replaced by its path and host. */
export function refusalOf(request: IncomingMessage): SocketProblem | null {
  const { rawHeaders, headers } = request;
  if (rawHeaders.length > 2 * HEADERS_MAX) {
    return {
      code: "request_head_too_large",
      detail: `The request has ${
        rawHeaders.length / 2
      } header lines, at most ${HEADERS_MAX} are allowed`,
    };
  }
  if (Number(headers["content-length"] ?? 0) > CHUNKED_BYTES_MAX) {
    return {
      code: "body_too_large",
      detail: `The body has ${
        headers["content-length"]
      } bytes, at most ${CHUNKED_BYTES_MAX} are allowed`,
    };
  }
  return hostRefusal(request) ?? targetRefusal(request);
}

function hostRefusal(request: IncomingMessage): SocketProblem | null {
  const { rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  if (hosts > 1) {
    return bad("The request has more than one Host header; give one");
  }
  const needsHost = httpVersionMajor === 1 && httpVersionMinor >= 1;
  if (hosts === 0 && needsHost) {
    return bad("A request in HTTP/1.1 must have a Host header");
  }
  return null;
}

function targetRefusal(request: IncomingMessage): SocketProblem | null {
  const target = request.url ?? "";
  if (target.startsWith("/")) return null;
  const url = /^https?:\/\//i.test(target) ? URL.parse(target) : null;
  if (url === null) {
    return bad(
      "The request's target must be a path such as /v1/channels, or a full http:// or https:// address",
    );
  }
  // RFC 9112 §3.2.2: the target's host overrides the Host header.
  request.url = url.pathname + url.search;
  request.headers.host = url.host;
  return null;
}

function bad(detail: string): SocketProblem {
  return { code: "malformed_request", detail };
}
