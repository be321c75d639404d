// Sessions of browsers: the claims of a token, sealed into the value of a cookie. No instance keeps a list of sessions,
// so that each of them, also after a restart, accepts what another one with the same keys has sealed.
// Invariant: a session ends with its token at the latest, and its rights are checked again at each use, as the token's are.
// Why: docs/decisions/0042.
import { type Claims, principalId } from "./claims.ts";
import { type Denial, denial } from "./denial.ts";
import { EndedSessions, type ListedSession } from "./ended_sessions.ts";
import type { SessionKeys } from "./session_keys.ts";

/** Longest value of a cookie, bytes: browsers drop cookies of more than 4096 with their name and attributes. */
export const SESSION_BYTES_MAX = 3800;

const ID_BYTES = 16;
const HOUR_MS = 3_600_000;

/** One sign-in. Its claims expire when the session does. */
export interface Session {
  readonly kind: "session";
  readonly id: string;
  readonly claims: Claims;
  /** Unix ms. */
  readonly startedMs: number;
  /** Whether it was ended, or its key is no longer in force. */
  readonly isEnded: boolean;
}

/** A session for a new cookie. */
export interface NewSession {
  readonly kind: "new";
  /** Value of the cookie. A secret. */
  readonly cookie: string;
  readonly claims: Claims;
}

export interface SessionsOptions {
  readonly keys: SessionKeys;
  /** Longest life of a session. */
  readonly hoursMax: number;
  /** Milliseconds since 1970. */
  readonly unixMs: () => number;
  /** @default one with its own limits */
  readonly ended?: EndedSessions;
  /** Adds an ended session to the lists of the other threads; resolves when they have it. @default there are none */
  readonly announce?: ((session: ListedSession) => Promise<void>) | undefined;
}

/** What is sealed, in the order of the text. Another content needs another FORMAT of session_keys.ts. */
type Content = readonly [
  id: string,
  startedMs: number,
  expiresMs: number,
  kind: Claims["kind"],
  subject: string,
  issuer: string,
  groups: readonly string[],
  scopes: readonly string[],
  tokenHash: string,
];

const NOT_OPENED = denial(
  "invalid_token",
  "The session is not one of this instance, or of a key that is no longer in use; sign in again",
);
const EXPIRED = denial(
  "invalid_token",
  "The session has expired; sign in again",
);
const ENDED = denial(
  "invalid_token",
  "The session was ended by signing out; sign in again",
);

/** Begins, opens and ends the sessions of one instance. */
export class Sessions {
  readonly counters = { begun: 0, ended: 0, tooLarge: 0 };
  readonly ended: EndedSessions;
  #keys: SessionKeys;
  readonly #hoursMax: number;
  readonly #unixMs: () => number;
  readonly #announce: SessionsOptions["announce"];

  constructor({ keys, hoursMax, unixMs, ended, announce }: SessionsOptions) {
    this.#keys = keys;
    this.#announce = announce;
    this.#hoursMax = hoursMax;
    this.#unixMs = unixMs;
    this.ended = ended ?? new EndedSessions();
  }

  /** Other keys from now on: the file has changed. Sessions of keys that are not among them end. */
  useKeys(keys: SessionKeys): void {
    this.#keys = keys;
  }

  /** Keys in force. */
  get keyCount(): number {
    return this.#keys.size;
  }

  /** A new session for the owner of a token. */
  async begin(of: Claims): Promise<NewSession | Denial> {
    const nowMs = this.#unixMs();
    const expiresMs = Math.min(of.expiresMs, nowMs + this.#hoursMax * HOUR_MS);
    const claims: Claims = { ...of, expiresMs };
    const id = crypto.getRandomValues(new Uint8Array(ID_BYTES)).toBase64();
    const cookie = await this.#keys.seal(textOf(id, nowMs, claims));
    if (cookie.length > SESSION_BYTES_MAX) {
      this.counters.tooLarge++;
      return denial(
        "invalid_request",
        `The token's groups and scopes need a cookie of ${cookie.length} bytes, and at most ${SESSION_BYTES_MAX} ` +
          "are allowed; sign in with a token of fewer groups or scopes",
      );
    }
    this.counters.begun++;
    return { kind: "new", cookie, claims };
  }

  /** The session of a cookie. Never rejects because of what the cookie contains. */
  async open(cookie: string): Promise<Session | Denial> {
    if (cookie.length > SESSION_BYTES_MAX) return NOT_OPENED;
    const opened = await this.#keys.open(cookie);
    if (opened === null) return NOT_OPENED;
    const { ended } = this;
    const { id, startedMs, claims } = contentOf(opened.text);
    const hasKey = () => this.#keys.has(opened.keyId);
    if (claims.expiresMs <= this.#unixMs()) return EXPIRED;
    const listed = {
      id,
      owner: principalId(claims),
      startedMs,
      expiresMs: claims.expiresMs,
    };
    if (ended.has(listed)) return ENDED;
    return {
      kind: "session",
      id,
      claims,
      startedMs,
      get isEnded() {
        return ended.has(listed) || !hasKey();
      },
    };
  }

  /** Ends a session on this instance: its streams, and copies of its cookie. Resolves when all threads have ended it. */
  async end({ id, startedMs, claims }: Session): Promise<void> {
    const owner = principalId(claims);
    const { expiresMs } = claims;
    const listed = { id, owner, startedMs, expiresMs };
    this.endHere(listed);
    this.counters.ended++;
    await this.#announce?.(listed);
  }

  /** The same on this thread alone. */
  endHere(listed: ListedSession): void {
    this.ended.add(listed, this.#unixMs());
  }
}

function textOf(id: string, startedMs: number, claims: Claims): string {
  const { expiresMs, kind, subject, issuer, groups, scopes, tokenHash } =
    claims;
  const content: Content = [
    id,
    startedMs,
    expiresMs,
    kind,
    subject,
    issuer,
    groups,
    scopes,
    tokenHash,
  ];
  return JSON.stringify(content);
}

/** What {@linkcode textOf} has written: one of the keys has sealed it. */
function contentOf(
  text: string,
): { id: string; startedMs: number; claims: Claims } {
  const [
    id,
    startedMs,
    expiresMs,
    kind,
    subject,
    issuer,
    groups,
    scopes,
    tokenHash,
  ]: Content = JSON.parse(text);
  return {
    id,
    startedMs,
    claims: { kind, subject, issuer, groups, scopes, tokenHash, expiresMs },
  };
}
