// The routes of `/v1/session`: sign in with a token, sign out, and who is signed in.
// Invariant: a new session has a new id, whatever cookie the request brings; the token and the cookie are never shown.
import { type Context, Hono } from "hono";
import type { AccessControl } from "../../auth/access_control.ts";
import { denial } from "../../auth/denial.ts";
import { type Claims, principalId } from "../../auth/claims.ts";
import type { Grant } from "../../auth/grant.ts";
import type { Sessions } from "../../auth/sessions.ts";
import { documented } from "../documents/api_document.ts";
import {
  BEGIN_SESSION,
  END_SESSION,
  SHOW_SESSION,
} from "../documents/session_documents.ts";
import { problem } from "../transport/problem.ts";
import { type Authenticate, denied } from "./authentication.ts";
import type { SessionCookie } from "./session_cookie.ts";

const NO_STORE = { "cache-control": "no-store" };
const NEEDS_TOKEN = denial(
  "none",
  "A session begins with a token: send it in the header 'Authorization: Bearer TOKEN'",
);

export interface SessionRoutesOptions {
  readonly access: AccessControl;
  readonly authenticate: Authenticate;
  readonly cookie: SessionCookie;
}

/** The routes; they authenticate by themselves, since a request without a valid credential may sign out, too. */
export function sessionRoutes(options: SessionRoutesOptions): Hono {
  const { access, authenticate } = options;
  const app = new Hono();
  app.get("/v1/session", documented(SHOW_SESSION), async (c) => {
    const principal = await authenticate(c);
    if (principal instanceof Response) return principal;
    const { claims, grant, session } = principal;
    const body = documentOf(claims, {
      grant,
      isSession: session !== null,
      access,
    });
    return c.json(body, 200, NO_STORE);
  });
  app.post("/v1/session", documented(BEGIN_SESSION), (c) => signIn(c, options));
  app.delete("/v1/session", documented(END_SESSION), async (c) => {
    const { cookie, access: { sessions } } = options;
    if (sessions === null) return noSessions();
    const refusal = cookie.refusal(c);
    if (refusal !== null) return refusal;
    await endSession(c, sessions, cookie);
    cookie.set(c, "", 0);
    return c.body(null, 204, NO_STORE);
  });
  return app;
}

async function signIn(
  c: Context,
  { access, authenticate, cookie }: SessionRoutesOptions,
): Promise<Response> {
  const { sessions } = access;
  if (sessions === null) return noSessions();
  const refusal = cookie.refusal(c);
  if (refusal !== null) return refusal;
  const principal = await authenticate(c);
  if (principal instanceof Response) return principal;
  const { session, grant } = principal;
  if (session !== null || principal.claims.kind === "anonymous") {
    return denied(access.deny(NEEDS_TOKEN));
  }
  const begun = await sessions.begin(principal.claims);
  if (begun.kind === "denial") return denied(access.deny(begun));
  await endSession(c, sessions, cookie);
  const { claims } = begun;
  const lifeS = Math.floor((claims.expiresMs - access.unixMs()) / 1000);
  cookie.set(c, begun.cookie, Math.max(lifeS, 1));
  const body = documentOf(claims, { grant, isSession: true, access });
  return c.json(body, 200, NO_STORE);
}

/** Ends the session of the request's cookie, if there is one. */
async function endSession(
  c: Context,
  sessions: Sessions,
  cookie: SessionCookie,
): Promise<void> {
  const value = cookie.valueOf(c);
  if (value === null) return;
  const session = await sessions.open(value);
  if (session.kind === "session") await sessions.end(session);
}

function noSessions(): Response {
  return problem("no_sessions", {
    detail: "This instance has no sessions: it needs no token (--auth none)",
  });
}

function documentOf(
  claims: Claims,
  { grant, isSession, access }: {
    readonly grant: Grant;
    readonly isSession: boolean;
    readonly access: AccessControl;
  },
): Record<string, unknown> {
  const { kind, subject, issuer, expiresMs } = claims;
  return {
    principal: principalId(claims),
    kind,
    subject,
    issuer,
    is_operator: grant.isOperator,
    expires_unix_ms: Number.isFinite(expiresMs) ? expiresMs : null,
    is_session: isSession,
    can_sign_in: access.sessions !== null,
  };
}
