// Counts each request by its route and the status of its answer: once, when the status is known. A stream counts when it
// begins.
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { ServerResponse } from "node:http";
import { isGone } from "../limits/request_limits.ts";
import type { AnswerCounts } from "../transport/answer_counts.ts";

/** The route of an unknown path, of a method that a path does not take, and of OPTIONS. */
const OTHER = "other";
/** Of a client that disconnected before its answer began. */
const CLIENT_GONE = 499;

/** Must come before everything that answers. */
export function answerCounting(
  counts: AnswerCounts,
  basePath: string,
): MiddlewareHandler {
  /** By pattern of Hono, so that each is rewritten once. */
  const names = new Map<string, string>();
  const nameOf = (pattern: string): string => {
    let name = names.get(pattern);
    if (name === undefined) {
      const path = pattern.slice(basePath.length) || "/";
      names.set(pattern, name = path.replace(/:(\w+)/g, "{$1}"));
    }
    return name;
  };
  return async (c, next) => {
    await next();
    // Middleware is for all methods.
    const found = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
    counts.add(found ? nameOf(found.path) : OTHER, statusOf(c));
  };
}

function statusOf(c: Context): number {
  const { outgoing } = (c.env ?? {}) as { readonly outgoing?: ServerResponse };
  const hasBegun = outgoing?.headersSent === true;
  return !hasBegun && isGone(c)() ? CLIENT_GONE : c.res.status;
}
