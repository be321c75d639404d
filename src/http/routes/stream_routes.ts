// The routes that answer with rows: the streams /v1/events and /v1/arrow, and ranges as text, /v1/data. A request passes
// four steps: parse what it asks for, negotiate how the rows are sent, admit the client, take over the response. Each step
// may refuse it with a problem.
import { type Context, Hono } from "hono";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Outlet } from "../../clients/outlet.ts";
import { isLineFormat } from "../../frames/stream_format.ts";
import { documented, type Parameters } from "../documents/api_document.ts";
import { DATA_DOCUMENT } from "../documents/data_documents.ts";
import { DATA_PARAMETERS } from "../documents/data_parameters.ts";
import {
  ARROW_DOCUMENT,
  EVENTS_DOCUMENT,
} from "../documents/stream_documents.ts";
import {
  ARROW_PARAMETERS,
  EVENTS_PARAMETERS,
} from "../documents/stream_parameters.ts";
import { StreamOutlet } from "../transport/stream_outlet.ts";
import { sendErrorEvents } from "./error_events.ts";
import { unfitForLines } from "./line_selection.ts";
import {
  outgoingOf,
  type TakeoverOptions,
  writeHead,
} from "./response_takeover.ts";
import {
  type AdmissionOptions,
  admit,
  changedWhileOpening,
  type ReadyAdmission,
} from "./stream_admission.ts";
import { type RangeCheckOptions, rangeProblem } from "./range_check.ts";
import { misplacedField, type StreamPath } from "./stream_fields.ts";
import { negotiate } from "./stream_negotiation.ts";
import { parsed, type ParsingOptions } from "./stream_parsing.ts";
import {
  type CachingOptions,
  type Candidate,
  candidateOf,
  notModified,
  settledHeaders,
  settlementOf,
} from "./range_caching.ts";
import { rangeHeaders } from "./stream_range.ts";
import { hasWholeRange } from "./stream_request.ts";

const PARAMETERS: Readonly<Record<StreamPath, Parameters>> = {
  "/v1/events": EVENTS_PARAMETERS,
  "/v1/arrow": ARROW_PARAMETERS,
  "/v1/data": DATA_PARAMETERS,
};

export interface StreamRoutesOptions
  extends
    TakeoverOptions,
    ParsingOptions,
    AdmissionOptions,
    RangeCheckOptions,
    CachingOptions {
  /** Aborts when the client disconnects, where the runtime does not cancel the body then. */
  readonly leftSignalOf?:
    | ((context: Context) => AbortSignal | undefined)
    | undefined;
  /** Makes the outlet of node's response, whose headers have been flushed; null where the server is not node:http. */
  readonly socketOutlet: ((outgoing: ServerResponse) => Outlet) | null;
}

/** Routes for GET and POST. */
export function streamRoutes(options: StreamRoutesOptions): Hono {
  const app = new Hono();
  for (
    const [path, { get, post }] of [
      ["/v1/events", EVENTS_DOCUMENT],
      ["/v1/arrow", ARROW_DOCUMENT],
      ["/v1/data", DATA_DOCUMENT],
    ] as const
  ) {
    app.get(path, documented(get), (c) => open(c, path, options));
    app.post(path, documented(post), (c) => open(c, path, options));
  }
  return app;
}

async function open(
  c: Context,
  path: StreamPath,
  options: StreamRoutesOptions,
): Promise<Response> {
  const isData = path === "/v1/data";
  const request = await parsed(c, {
    ...options,
    parameters: PARAMETERS[path],
    misplaced: (fields) => {
      const misplaced = misplacedField(path, fields);
      if (misplaced === null && fields.errors === "event") sendErrorEvents(c);
      return misplaced;
    },
    lastEventId: isData ? undefined : c.req.header("last-event-id"),
  });
  if (request instanceof Response) return request;
  const form = negotiate(request, {
    path,
    accept: c.req.header("accept"),
    acceptEncoding: c.req.header("accept-encoding"),
  });
  c.header("vary", "Accept-Encoding", { append: true });
  if (path !== "/v1/events") c.header("vary", "Accept", { append: true });
  if (form instanceof Response) return form;
  const { format } = form.shape;
  const unfit = isLineFormat(format) ? unfitForLines(request, format) : null;
  if (unfit !== null) return unfit;
  // 204 makes an EventSource stop reconnecting.
  if (hasWholeRange(request)) {
    return c.body(null, 204, { "cache-control": "no-store" });
  }
  const candidate = await candidateOf(c, request, form, options);
  if (candidate?.isKnown) return notModified(c, candidate, options);
  const outside = await rangeProblem(request, options);
  if (outside !== null) return outside;
  const headers = { ...form.headers, ...rangeHeaders(request) };
  // No data is read for headers alone: whether a range is settled, and whether a stream is free, is not looked up.
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const admission = await admit(c, request, form.shape, options);
  if (admission instanceof Response) return admission;
  try {
    return candidate === null
      ? begin(c, admission, { headers }, options)
      : await settle(c, admission, { headers, candidate }, options);
  } finally {
    // Releases what was reserved, unless the stream has begun.
    admission.cancel();
  }
}

/** Finds out whether the range is settled, and begins the stream with the headers that follow from it. */
async function settle(
  c: Context,
  admission: ReadyAdmission,
  { headers, candidate }: {
    readonly headers: Record<string, string>;
    readonly candidate: Candidate;
  },
  options: StreamRoutesOptions,
): Promise<Response> {
  const outcome = await settlementOf(c, admission, candidate, options);
  if (outcome === "changed") return changedWhileOpening();
  const isSettled = outcome === "settled";
  const answer = {
    headers: isSettled ? settledHeaders(headers, candidate) : headers,
    isSettled,
  };
  return begin(c, admission, answer, options);
}

/** Opens an admitted stream on node's response where there is one, else on a response's body. */
function begin(
  c: Context,
  admission: ReadyAdmission,
  { headers, isSettled = false }: {
    readonly headers: Record<string, string>;
    readonly isSettled?: boolean;
  },
  options: StreamRoutesOptions,
): Response {
  const { alreadySent, leftSignalOf, socketOutlet } = options;
  const outgoing = outgoingOf(c, options);
  if (outgoing === null || alreadySent === null || socketOutlet === null) {
    const outlet = new StreamOutlet(leftSignalOf?.(c));
    admission.open(outlet, isSettled);
    return c.body(outlet.body, 200, headers);
  }
  if (outgoing.destroyed || outgoing.req.socket.destroyed) return alreadySent;
  writeHead(c, outgoing, headers, options);
  outgoing.flushHeaders();
  forgetRequest(outgoing.req);
  // The adapter's listener would keep the whole request until the stream ends, to abort it then.
  outgoing.removeAllListeners("close");
  admission.open(socketOutlet(outgoing), isSettled);
  return alreadySent;
}

/** Frees what the request came with: a stream may last for days. */
function forgetRequest(request: IncomingMessage): void {
  request.url = "";
  request.rawHeaders = [];
  request.headers = {};
}
