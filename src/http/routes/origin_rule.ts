// Decides which web pages may read this instance: its own, and those of `--cors-origin`.
// Invariant: a request of another page is refused before any work is done for it. Why: docs/decisions/0025.
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { problem } from "../transport/problem.ts";
import {
  isPlainOrigin,
  type NameRemedy,
  NO_REMEDY,
  type RefusedNames,
} from "../limits/refused_names.ts";
import { isOwnOrigin } from "./own_site.ts";
import { traceOf } from "./request_ids.ts";

/** Request headers that libraries add by themselves; they change nothing here. */
const ALLOWED_HEADERS = [
  "authorization",
  "cache-control",
  "content-type",
  "if-none-match",
  "last-event-id",
  "pragma",
  "traceparent",
  "tracestate",
  "x-request-id",
  "x-requested-with",
];
/** Response headers that a page may read beyond those that browsers always allow. */
const EXPOSED_HEADERS = [
  "allow",
  "content-disposition",
  "content-encoding",
  "etag",
  "retry-after",
  "x-end",
  "x-next-after",
  "x-request-id",
  "x-start",
];
const ANY = "*";

/** Whether answers depend on the request's Origin. */
export function variesByOrigin(corsOrigin: readonly string[]): boolean {
  return !corsOrigin.includes(ANY);
}

/** Refuses pages that are not allowed. Must come before {@linkcode corsHeaders}, which answers every OPTIONS. */
export function originCheck(
  corsOrigin: readonly string[],
  refused: RefusedNames,
  { publicUrl, remedyOf }: {
    /** `--public-url`; "" for none. */
    readonly publicUrl: string;
    /** What would allow an origin. */
    readonly remedyOf: (origin: string) => NameRemedy;
  },
): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header("origin");
    const isAllowed = origin === undefined || !variesByOrigin(corsOrigin) ||
      corsOrigin.includes(origin) || isOwnOrigin(c, origin, publicUrl);
    if (isAllowed) return await next();
    const remedy = remedyOf(origin);
    const shown = refused.add(origin, remedy, traceOf(c));
    return problem("origin_not_allowed", {
      detail: `Pages of the origin '${shown}' may not read this instance` +
        remedy.hint,
    }, { vary: "Origin" });
  };
}

/** The setting that would allow an origin on the port for clients; none for what is not a page's address. */
export function corsOriginRemedy(
  corsOrigin: readonly string[],
  origin: string,
): NameRemedy {
  const by = (value: string) =>
    `; --cors-origin ${value} (QANAT_CORS_ORIGIN) would allow`;
  if (origin === "null") {
    return {
      hint: `${by("'*'")} it, and every other page`,
      fields: { admit: "--cors-origin '*'" },
    };
  }
  if (!isPlainOrigin(origin)) return NO_REMEDY;
  return {
    hint: `${by(origin)} them`,
    fields: { admit: `--cors-origin ${[...corsOrigin, origin].join(",")}` },
  };
}

/** Sets the headers by which a browser lets a page read an answer. */
export function corsHeaders(corsOrigin: readonly string[]): MiddlewareHandler {
  return cors({
    origin: variesByOrigin(corsOrigin) ? [...corsOrigin] : ANY,
    allowMethods: ["GET", "HEAD", "POST"],
    allowHeaders: ALLOWED_HEADERS,
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: 86_400,
  });
}
