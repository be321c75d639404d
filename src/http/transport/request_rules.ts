// What a parsed request must have before a route sees it: one Host, few headers, a target that names a path.
// Invariant: takes no longer than the request's head is long.
import type { IncomingMessage } from "node:http";
import { CHUNKED_BYTES_MAX } from "./request_gate.ts";
import type { SocketProblem } from "./socket_problem.ts";

/** Header lines of one request. */
export const HEADERS_MAX = 100;

/** What is wrong with a request; null when nothing is. An absolute target becomes a path and its host. */
export function refusalOf(request: IncomingMessage): SocketProblem | null {
  const { rawHeaders, headers } = request;
  if (rawHeaders.length > 2 * HEADERS_MAX) {
    return {
      status: 431,
      title: "Too many headers",
      detail: `The request has ${
        rawHeaders.length / 2
      } header lines; the limit is ${HEADERS_MAX}`,
    };
  }
  if (Number(headers["content-length"] ?? 0) > CHUNKED_BYTES_MAX) {
    return {
      status: 413,
      title: "Body too large",
      detail: `The body has ${
        headers["content-length"]
      } bytes; no request may have more than ${CHUNKED_BYTES_MAX}`,
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
    return bad("The request has more than one Host header");
  }
  const needsHost = httpVersionMajor === 1 && httpVersionMinor >= 1;
  if (hosts === 0 && needsHost) {
    return bad("A request of HTTP/1.1 must have a Host header");
  }
  return null;
}

function targetRefusal(request: IncomingMessage): SocketProblem | null {
  const target = request.url ?? "";
  if (target.startsWith("/")) return null;
  const url = /^https?:\/\//i.test(target) ? URL.parse(target) : null;
  if (url === null) {
    return bad(
      "The request's target must be a path such as /v1/channels, or a whole address",
    );
  }
  // RFC 9112 §3.2.2: its host counts, not that of the header.
  request.url = url.pathname + url.search;
  request.headers.host = url.host;
  return null;
}

function bad(detail: string): SocketProblem {
  return { status: 400, title: "Malformed request", detail };
}
