// Who sends a request, and which channels it may find: the one place that HTTP asks.
// Invariant: no credential is ever logged or put into an answer; without authentication every request is ANYONE.
import type { Catalog } from "../channels/catalog.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { AuthFiles, AuthFileState } from "./auth_files.ts";
import { bearerOf } from "./authorization_header.ts";
import { CatalogViews } from "./catalog_views.ts";
import { ChannelChecks } from "./channel_checks.ts";
import { ANONYMOUS, type Claims } from "./claims.ts";
import { type Denial, denial } from "./denial.ts";
import { FULL_GRANT, type Grant } from "./grant.ts";
import type { GrantBook } from "./grant_book.ts";
import { createScope, READ_ALL_SCOPE } from "./jwt/scope_grants.ts";
import type { JwtFigures } from "./jwt_figures.ts";
import { Principal, type StreamRights } from "./principal.ts";
import type { Session, Sessions } from "./sessions.ts";

/** Longest bearer token, characters. */
export const TOKEN_LENGTH_MAX = 8192;

/** What a request comes with. */
export interface Credentials {
  /** The header Authorization, see {@linkcode bearerOf}; "" where there is none. */
  readonly authorization: string;
  /** The value of the session cookie; null where there is none, or the request may not use it. */
  readonly session: string | null;
  /** Address of the client in one spelling, which shares the checks of tokens with others; "" where it is not known. */
  readonly address: string;
}

/** Checks one kind of bearer token. */
export interface TokenVerifier {
  /** How people recognize a token of this kind. */
  readonly kindText: string;
  /** Whether a token looks like one of this kind. Cheap. */
  recognizes(token: string): boolean;
  verify(
    token: string,
    address: string,
  ): Claims | Denial | Promise<Claims | Denial>;
  /** Whether it would still accept tokens of an owner's kind and issuer: a session may be older than the settings. */
  vouchesFor(claims: Claims): boolean;
  /** Of a verifier of JWTs, for metrics. */
  readonly jwtFigures?: JwtFigures;
  /** Idempotent. */
  close?(): void;
}

type Verified = Claims | Session | Denial;

/** The wall clock, which credentials expire by: milliseconds since 1970. */
export const wallClock = (): number => Date.now();

export interface AccessControlOptions {
  readonly catalog: Catalog;
  /** One for each kind of token that is accepted. None: no authentication. */
  readonly verifiers?: readonly TokenVerifier[];
  readonly sessions?: Sessions | null;
  /** Grants in force. @default everything for everyone */
  readonly book?: GrantBook;
  /** The files that the book follows; closed with the access control. */
  readonly files?: Pick<AuthFiles, "states" | "close">;
  /** Most catalogs that are kept. @default that of CatalogViews */
  readonly viewsMax?: number;
  /** Milliseconds since 1970. @default Date.now */
  readonly unixMs?: () => number;
}

/** The grants without authentication. */
const OPEN_BOOK: GrantBook = {
  version: 0,
  grantOf: () => FULL_GRANT,
  expiresMsOf: ({ expiresMs }) => expiresMs,
  onChange: () => {},
};

const NO_TOKEN = denial(
  "none",
  "This instance needs a token: send the header 'Authorization: Bearer TOKEN'",
);
const TOO_LONG = denial(
  "invalid_request",
  `The token is longer than ${TOKEN_LENGTH_MAX} characters`,
);
const REVOKED = denial("invalid_token", "The token has been revoked");
const EXPIRED = denial("invalid_token", "The token has expired");
const UNKNOWN_SESSION = denial(
  "invalid_token",
  "The session is of a token that this instance accepts no longer; sign in again",
);

/** The answer to a token that no verifier recognizes. */
function unknownKind(verifiers: readonly TokenVerifier[]): Denial {
  const kinds = verifiers.map(({ kindText }) => kindText).join(", or ");
  return denial(
    "invalid_token",
    `The token is of no kind that this instance accepts: it must be ${kinds}`,
  );
}

/** What a request needs: to read or operate, to publish as a publisher, or any right at all. */
export type Need = "read" | "any" | { readonly publisher: string };

function isGranted(grant: Grant, need: Need): boolean {
  if (typeof need === "object") return grant.mayPublish(need.publisher);
  return !grant.isEmpty || need === "any" && grant.isPublisher;
}

/** Longest part of a publisher that a denial shows. */
const SHOWN_CHARS_MAX = 64;

/** The answer to a valid credential whose owner may do nothing here, or not publish as a publisher. */
function nothingGranted({ kind }: Claims, need: Need): Denial {
  if (typeof need === "object") {
    const shown = need.publisher.slice(0, SHOWN_CHARS_MAX);
    const scope = createScope(shown);
    return denial(
      "insufficient_scope",
      `The token is valid, but does not allow to publish as '${shown}': a JWT without a policy needs the scope ` +
        `${scope}, all others 'publish' in an entry of the token file or the policy`,
      scope,
    );
  }
  return kind === "jwt"
    ? denial(
      "insufficient_scope",
      "The token is valid, but nothing here is granted to it: without a policy it needs a scope such as " +
        `${READ_ALL_SCOPE}; with one, the policy has to name its subject, a group or a scope`,
      READ_ALL_SCOPE,
    )
    : denial(
      "insufficient_scope",
      "The token is valid, but nothing here is granted to it",
    );
}

function denialOf(
  principal: Principal,
  need: Need,
  unixMs: number,
): Denial | null {
  const { claims, grant } = principal;
  const isAllowed = isGranted(grant, need);
  // The policy may allow some channels to everyone.
  if (claims.kind === "anonymous") return isAllowed ? null : NO_TOKEN;
  if (principal.isRevoked) return REVOKED;
  if (principal.isExpired(unixMs)) return EXPIRED;
  return isAllowed ? null : nothingGranted(claims, need);
}

/** The access control of one instance. */
export class AccessControl {
  /** Whether requests need no credential (`--auth none`). */
  readonly isOpen: boolean;
  readonly views: CatalogViews;
  readonly #checks: ChannelChecks;
  /** Sessions of browsers; null where there are none. */
  readonly sessions: Sessions | null;
  readonly unixMs: () => number;
  /** Requests by outcome. */
  readonly counters = { anonymous: 0, accepted: 0 };
  readonly denied: Record<Denial["error"], number> = {
    none: 0,
    invalid_request: 0,
    invalid_token: 0,
    insufficient_scope: 0,
    unavailable: 0,
  };
  readonly #verifiers: readonly TokenVerifier[];
  readonly #book: GrantBook;
  readonly #anyone: Principal;
  readonly #files: AccessControlOptions["files"];

  constructor(options: AccessControlOptions) {
    const { catalog, verifiers = [], sessions = null } = options;
    this.isOpen = verifiers.length === 0;
    this.views = new CatalogViews({ catalog, viewsMax: options.viewsMax });
    this.#checks = new ChannelChecks(this.views);
    this.unixMs = options.unixMs ?? wallClock;
    this.#verifiers = verifiers;
    this.sessions = sessions;
    this.#files = options.files;
    this.#book = options.book ?? OPEN_BOOK;
    this.#anyone = new Principal(ANONYMOUS, this.#book);
  }

  close(): void {
    this.#files?.close();
    for (const verifier of this.#verifiers) verifier.close?.();
    this.views.close();
  }

  /** The token file and the policy file, where there are any. */
  fileStates(): AuthFileState[] {
    return this.#files?.states() ?? [];
  }

  /** Figures of JWTs, where these are accepted. */
  get jwtFigures(): JwtFigures | null {
    return this.#verifiers.find((each) => each.jwtFigures)?.jwtFigures ?? null;
  }

  /** Finds out who sends a request, and whether it may have what it needs. Never rejects because of what it contains. */
  authenticate(
    credentials: Credentials,
    need: Need = "read",
  ): Principal | Denial | Promise<Principal | Denial> {
    if (this.isOpen) return this.#anyone;
    const verified = this.#verify(credentials);
    if (verified instanceof Promise) {
      return verified.then((outcome) => this.#admitted(outcome, need));
    }
    return this.#admitted(verified, need);
  }

  /** The channels that a grant allows, where they are known already; else {@linkcode gathering} finds them. */
  knownCatalog(grant: Grant): Catalog | null {
    return this.views.known(grant);
  }

  gathering(grant: Grant): SlicedWork<Catalog> {
    return this.views.gathering(grant);
  }

  /** Why a principal may do nothing now, counted; null where it may. Ask again after a wait: rights may have changed. */
  denialNow(
    principal: Principal,
    need: Need = "read",
  ): Denial | null {
    const denied = denialOf(principal, need, this.unixMs());
    return denied === null ? null : this.deny(denied);
  }

  /** The rights of a stream; undefined where everyone may read everything. `foundBy`: see {@linkcode Principal.rights}. */
  rightsOf(principal: Principal, foundBy: Grant): StreamRights | undefined {
    if (this.isOpen) return undefined;
    const { unixMs } = this;
    return principal.rights({ unixMs, checks: this.#checks, foundBy });
  }

  /** Calls `listener` when anyone's rights may have changed. */
  onChange(listener: () => void): void {
    this.#book.onChange(listener);
  }

  /** Counts a denial that a route found, and returns it. */
  deny(denied: Denial): Denial {
    this.denied[denied.error]++;
    return denied;
  }

  #verify(
    { authorization, session, address }: Credentials,
  ): Verified | Promise<Verified> {
    const bearer = bearerOf(authorization);
    if (typeof bearer === "object" && bearer !== null) return bearer;
    if (bearer !== null) {
      if (bearer.length > TOKEN_LENGTH_MAX) return TOO_LONG;
      const verifier = this.#verifiers.find((v) => v.recognizes(bearer));
      return verifier
        ? verifier.verify(bearer, address)
        : unknownKind(this.#verifiers);
    }
    if (session !== null && this.sessions !== null) {
      return this.sessions.open(session);
    }
    return ANONYMOUS;
  }

  #admitted(
    outcome: Verified,
    need: Need,
  ): Principal | Denial {
    if (outcome.kind === "denial") return this.deny(outcome);
    const session = outcome.kind === "session" ? outcome : null;
    const claims = outcome.kind === "session" ? outcome.claims : outcome;
    if (session !== null && !this.#vouchesFor(claims)) {
      return this.deny(UNKNOWN_SESSION);
    }
    const isAnonymous = claims.kind === "anonymous";
    const principal = isAnonymous
      ? this.#anyone
      : new Principal(claims, this.#book, session);
    const denied = this.denialNow(principal, need);
    if (denied !== null) return denied;
    if (isAnonymous) this.counters.anonymous++;
    else this.counters.accepted++;
    return principal;
  }

  #vouchesFor(claims: Claims): boolean {
    return this.#verifiers.some((verifier) => verifier.vouchesFor(claims));
  }
}
