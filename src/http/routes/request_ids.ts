// Gives each request its id, and each answer the id of its request: as a header, and in the body of a problem.
// Invariant: the header is set before any route runs, so that a route that writes the answer itself sends it, too.
import type { Context, MiddlewareHandler } from "hono";
import {
  newRequestId,
  type RequestTrace,
  requestTraceOf,
} from "../../telemetry/request_trace.ts";
import { isProblem, withRequestId } from "../transport/problem.ts";

/** What this file keeps in the context of a request. */
interface TraceEnv {
  readonly Variables: { trace: RequestTrace };
}

/** Must come before everything else that answers. `newId` makes the id of a request that has none. */
export function requestIds(
  newId: () => string = newRequestId,
): MiddlewareHandler<TraceEnv> {
  return async (c, next) => {
    const trace = requestTraceOf({
      requestId: c.req.header("x-request-id"),
      traceparent: c.req.header("traceparent"),
    }, newId);
    c.set("trace", trace);
    c.res.headers.set("x-request-id", trace.requestId);
    await next();
    if (isProblem(c.res)) c.res = await withRequestId(c.res, trace.requestId);
  };
}

/** The ids of a request that has passed {@linkcode requestIds}. */
export function traceOf(c: Context): RequestTrace {
  return (c as Context<TraceEnv>).get("trace");
}
