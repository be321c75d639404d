// Gives each request its id, and each answer the id of its request: as a header, and in the body of a problem. The type
// of a problem gets the path at which clients find its page.
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

export interface RequestIdOptions {
  /** Makes the id of a request that has none. @default a random UUID */
  readonly newId?: (() => string) | undefined;
  /** Path before `/docs` in the addresses that problems name. */
  readonly docsBase: string;
}

/** Must come before everything else that answers. */
export function requestIds(
  { newId = newRequestId, docsBase }: RequestIdOptions,
): MiddlewareHandler<TraceEnv> {
  return async (c, next) => {
    const trace = requestTraceOf({
      requestId: c.req.header("x-request-id"),
      traceparent: c.req.header("traceparent"),
    }, newId);
    c.set("trace", trace);
    c.res.headers.set("x-request-id", trace.requestId);
    await next();
    if (!isProblem(c.res)) return;
    const { requestId } = trace;
    c.res = await withRequestId(c.res, { requestId, docsBase });
  };
}

/** The ids of a request that has passed {@linkcode requestIds}. */
export function traceOf(c: Context): RequestTrace {
  return (c as Context<TraceEnv>).get("trace");
}
