// Finds out who sends a request, and gives the routes the catalog of what it may read.
// Invariant: a route behind it gets no other catalog; a problem never contains a credential.
import type { Context, MiddlewareHandler } from "hono";
import type { AccessControl, Credentials } from "../../auth/access_control.ts";
import type { Denial, DenialError } from "../../auth/denial.ts";
import type { Grant } from "../../auth/grant.ts";
import type { Principal, StreamRights } from "../../auth/principal.ts";
import type { Catalog } from "../../channels/catalog.ts";
import { isGone } from "../limits/request_limits.ts";
import type { RoutedService } from "../service.ts";
import { problem, RETRY_LATER } from "../transport/problem.ts";
import { type ProblemCode, statusOfCode } from "../transport/problem_codes.ts";
import type { SessionCookie } from "./session_cookie.ts";

/** What this file keeps in the context of a request. */
interface AccessEnv {
  readonly Variables: {
    principal: Principal;
    catalog: Catalog;
    /** Of which the catalog is. */
    grant: Grant;
  };
}

/** Parameters, in any case, in which people put tokens; an address is logged and kept in histories, so they are refused. */
const TOKEN_PARAMETERS = ["access_token", "token", "jwt", "authorization"];

const CODES: Record<DenialError, ProblemCode> = {
  none: "token_needed",
  invalid_request: "credential_not_readable",
  invalid_token: "token_not_accepted",
  insufficient_scope: "not_allowed",
  unavailable: "token_not_checked",
};

/** Finds out who sends a request; the answer to it where its owner is not known. */
export type Authenticate = (c: Context) => Promise<Principal | Response>;

export interface AuthenticateOptions {
  readonly access: AccessControl;
  /** Null on a port without sessions. */
  readonly cookie: Pick<SessionCookie, "valueOf"> | null;
  /** Address of the client; "" where it is not known. */
  readonly addressOf: (c: Context) => string;
}

/** Takes the token of the header or, without one, the session of the cookie. */
export function authenticateBy(
  { access, cookie, addressOf }: AuthenticateOptions,
): Authenticate {
  return async (c) => {
    const misplaced = access.isOpen ? null : tokenInUrl(c.req.url);
    if (misplaced !== null) return misplaced;
    const outcome = await access.authenticate({
      ...credentialsOf(c, access, cookie),
      address: addressOf(c),
    });
    if (!("error" in outcome)) return outcome;
    return denied(cookie === null ? outcome : orSignIn(outcome));
  };
}

/** Refuses a request whose owner is not known, before any work is done for it. */
export function authentication(
  authenticate: Authenticate,
  service: Pick<RoutedService, "access" | "requests">,
): MiddlewareHandler<AccessEnv> {
  return async (c, next) => {
    const principal = await authenticate(c);
    if (principal instanceof Response) return principal;
    c.set("principal", principal);
    await findCatalog(c, service);
    return await next();
  };
}

/** Why the sender may read nothing now, a while after {@linkcode authentication}; null where it may, by its new rights. */
export async function renewedAccess(
  c: Context,
  service: Pick<RoutedService, "access" | "requests">,
): Promise<Response | null> {
  const denial = service.access.denialNow(principalOf(c));
  if (denial !== null) return denied(orSignIn(denial));
  await findCatalog(c, service);
  return null;
}

/** Finds the channels that the principal of a request may find now. */
async function findCatalog(
  c: Context<AccessEnv>,
  { access, requests }: Pick<RoutedService, "access" | "requests">,
): Promise<void> {
  const { grant } = principalOf(c);
  c.set("grant", grant);
  c.set(
    "catalog",
    access.knownCatalog(grant) ??
      await requests.slices.runShared(access.gathering(grant), isGone(c)),
  );
}

/** Whether a request has a credential, valid or not. */
export function hasCredential(
  c: Context,
  access: AccessControl,
  cookie: Pick<SessionCookie, "valueOf"> | null,
): boolean {
  const { authorization, session } = credentialsOf(c, access, cookie);
  return authorization !== "" || session !== null;
}

/** Who sends a request that has passed {@linkcode authentication}. */
export function principalOf(c: Context): Principal {
  return (c as Context<AccessEnv>).get("principal");
}

/** The channels that the sender of such a request may find. */
export function catalogOf(c: Context): Catalog {
  return (c as Context<AccessEnv>).get("catalog");
}

/** The rights of a stream; undefined where everyone may read everything. */
export function rightsOf(
  c: Context,
  { access }: Pick<RoutedService, "access">,
): StreamRights | undefined {
  return access.rightsOf(principalOf(c), (c as Context<AccessEnv>).var.grant);
}

/** The port for clients has the page, on which people sign in. */
function orSignIn(denial: Denial): Denial {
  if (denial.error !== "none") return denial;
  return { ...denial, detail: `${denial.detail}, or sign in on the page` };
}

/** The answer to a request that is denied. */
export function denied(denial: Denial): Response {
  const { error, detail, scope } = denial;
  const code = CODES[error];
  const status = statusOfCode(code);
  return problem(code, {
    detail,
    ...(error === "none" ? {} : { error }),
  }, {
    ...(status === 401 || status === 403
      ? { "www-authenticate": challenge(error, detail, scope) }
      : {}),
    ...(status === 503 ? RETRY_LATER : {}),
  });
}

/** The header WWW-Authenticate of RFC 6750. */
function challenge(
  error: DenialError,
  detail: string,
  scope: string | undefined,
): string {
  const parts = ['realm="qanat"'];
  if (error !== "none") {
    parts.push(`error="${error}"`, `error_description="${headerText(detail)}"`);
  }
  if (scope !== undefined) parts.push(`scope="${headerText(scope)}"`);
  return `Bearer ${parts.join(", ")}`;
}

/** Text that a quoted string of a header may contain. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, "'");
}

function credentialsOf(
  c: Context,
  { sessions }: AccessControl,
  cookie: Pick<SessionCookie, "valueOf"> | null,
): Pick<Credentials, "authorization" | "session"> {
  const authorization = c.req.header("authorization") ?? "";
  const hasSession = authorization === "" && sessions !== null;
  const session = hasSession ? cookie?.valueOf(c) ?? null : null;
  return { authorization, session };
}

function tokenInUrl(url: string): Response | null {
  const names = [...new URL(url).searchParams.keys()];
  const name = names.find((each) =>
    TOKEN_PARAMETERS.includes(each.toLowerCase())
  );
  if (name === undefined) return null;
  return problem("token_in_address", {
    detail:
      `A token must not be part of an address, where logs and histories keep it (parameter '${name}'); ` +
      "send it in the header 'Authorization: Bearer TOKEN', and replace it, as others may have seen it",
    param: name,
  });
}
