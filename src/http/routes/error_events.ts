// `errors=event`: a problem as the only event of a stream with status 200, since an EventSource cannot read the body of
// any other status. Invariant: the stream ends after the event, and its `retry:` lets no client ask again at once.
import type { Context, MiddlewareHandler } from "hono";
import { isProblem } from "../transport/problem.ts";

/** What this file keeps in the context of a request. */
interface ErrorEnv {
  readonly Variables: { hasErrorEvents: boolean };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Without `Retry-After`. */
const LATER_MS = 5000;
/** Headers of a problem that mean nothing with status 200. */
const LEFT_OUT = ["allow", "content-length", "retry-after", "www-authenticate"];

/** Must come before everything that may answer with a problem. `random`: from 0 to below 1. */
export function errorEvents(
  random: () => number = Math.random,
): MiddlewareHandler<ErrorEnv> {
  return async (c, next) => {
    await next();
    if (!isProblem(c.res) || c.req.method === "HEAD") return;
    if (c.var.hasErrorEvents || isAskedFor(c.req.url)) {
      const event = await eventOf(c.res, random());
      // Hono would add the headers of the response that is replaced.
      c.res = undefined;
      c.res = event;
    }
  };
}

/** Sends the problems of a request as events from now on: its body has asked for it. */
export function sendErrorEvents(c: Context): void {
  (c as Context<ErrorEnv>).set("hasErrorEvents", true);
}

function isAskedFor(url: string): boolean {
  return new URL(url).searchParams.get("errors") === "event";
}

async function eventOf(problem: Response, random: number): Promise<Response> {
  const headers = new Headers(problem.headers);
  const afterMs = Number(headers.get("retry-after")) * 1000;
  const waitMs = afterMs || waitOf(problem.status);
  for (const name of LEFT_OUT) headers.delete(name);
  headers.set("content-type", "text/event-stream; charset=utf-8");
  headers.set("cache-control", "no-store, no-transform");
  headers.set("x-accel-buffering", "no");
  // Clients that were refused together do not come back together.
  const retryMs = Math.round(waitMs * (1 + random));
  const data = await problem.text();
  const text = `retry: ${retryMs}\nevent: error\ndata: ${data}\n\n`;
  return new Response(text, { status: 200, headers });
}

/** How long a client that does not close its stream waits: what would be refused again is asked for seldom. */
function waitOf(status: number): number {
  if (status >= 500 || status === 408 || status === 429) return LATER_MS;
  // A token may be accepted, or a channel exist, later.
  return status === 401 || status === 404 ? MINUTE_MS : HOUR_MS;
}
