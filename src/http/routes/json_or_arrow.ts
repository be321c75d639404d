// Chooses between JSON and Arrow, for the routes that have both, and refuses clients that accept no type of a path.
import type { Context } from "hono";
import { ARROW_TYPE } from "../documents/stream_messages.ts";
import { problem, quoted } from "../transport/problem.ts";
import { lenientTypeFor } from "./media_type.ts";

const OFFERED = ["application/json", ARROW_TYPE];

/** The type that the client prefers: JSON unless it names Arrow; 406 where it refuses both. */
export function jsonOrArrow(c: Context, path: string): string | Response {
  const accept = c.req.header("accept");
  return lenientTypeFor(accept, OFFERED) ??
    unacceptable(accept!, `${path} sends ${OFFERED.join(" and ")}`);
}

/** 406. `sends`: what the path sends. */
export function unacceptable(accept: string, sends: string): Response {
  return problem("no_acceptable_type", {
    detail: `Accept ${quoted(accept)} allows no type that is sent here: ` +
      `${sends}. CSV and ndjson are sent by /v1/data, Arrow by /v1/arrow, events by /v1/events`,
  });
}
