// The owner of a request or a stream: who it is, and what it may do now.
// Invariant: after a change of the policy or the token file it answers by the new one.
import type { Channel } from "../channels/channel.ts";
import type { ChannelChecks } from "./channel_checks.ts";
import { type Claims, principalId } from "./claims.ts";
import { Grant, type GrantShares } from "./grant.ts";
import type { GrantBook } from "./grant_book.ts";
import type { Session } from "./sessions.ts";

/** Why a stream has to end. `removed`: its owner may no longer read one of its channels. */
export type LostRight = "expired" | "revoked" | "removed";

const NOTHING = new Grant({ read: [] });

/** Someone who may read some channels. */
export class Principal {
  readonly claims: Claims;
  /** Names the owner in limits, logs and lists. */
  readonly id: string;
  /** The session of the request's cookie; null for a request with a token, or with nothing. */
  readonly session: Session | null;
  readonly #book: GrantBook;
  #version = -1;
  #grant: Grant = NOTHING;
  #isRevoked = false;
  #expiresMs = 0;

  constructor(
    claims: Claims,
    book: GrantBook,
    session: Session | null = null,
  ) {
    this.claims = claims;
    this.session = session;
    this.id = principalId(claims);
    this.#book = book;
  }

  /** What it may do now; nothing when its credential is no longer accepted. */
  get grant(): Grant {
    this.#renew();
    return this.#grant;
  }

  /** Whether its credential is no longer accepted. */
  get isRevoked(): boolean {
    this.#renew();
    return this.#isRevoked || this.hasSignedOut;
  }

  /** Whether its session was ended, or the key of the session was removed. */
  get hasSignedOut(): boolean {
    return this.session !== null && this.session.isEnded;
  }

  /** @param unixMs now */
  isExpired(unixMs: number): boolean {
    this.#renew();
    return unixMs >= this.#expiresMs;
  }

  /** Watches the rights of a stream. `foundBy`: the grant by whose catalog its channels were found. */
  rights(
    options: {
      readonly unixMs: () => number;
      readonly checks: ChannelChecks;
      readonly foundBy: Grant;
    },
  ): StreamRights {
    return new StreamRights(this, options);
  }

  get version(): number {
    return this.#book.version;
  }

  #renew(): void {
    const { version } = this.#book;
    if (version === this.#version) return;
    const grant = this.#book.grantOf(this.claims);
    this.#isRevoked = grant === "revoked";
    this.#grant = grant === "revoked" ? NOTHING : grant;
    this.#expiresMs = this.#book.expiresMsOf(this.claims);
    this.#version = version;
  }
}

/** The rights of one stream. */
export class StreamRights {
  readonly principal: Principal;
  readonly #unixMs: () => number;
  readonly #checks: ChannelChecks;
  /** It allows all channels. */
  #allowing: Grant;
  // Older than any: the policy may have changed since the channels were looked up.
  #version = -1;

  constructor(
    principal: Principal,
    { unixMs, checks, foundBy }: Parameters<Principal["rights"]>[0],
  ) {
    this.principal = principal;
    this.#unixMs = unixMs;
    this.#checks = checks;
    this.#allowing = foundBy;
  }

  /** Names the owner in limits, logs and lists. */
  get owner(): string {
    return this.principal.id;
  }

  /** Null for owners who cannot be distinguished: their use of shared pools is counted by address. */
  get account(): string | null {
    const { claims, id } = this.principal;
    return claims.kind === "anonymous" ? null : id;
  }

  /** Limits of the owner, as they are now. */
  get shares(): GrantShares {
    return this.principal.grant.shares;
  }

  /**
   * Why the stream of these channels must end now; null while it may continue. `unfinished`: the check of its channels
   * needs more calls. Cheap while its rules have not changed, or only got more, or were checked for the same list.
   */
  lost(channels: readonly Channel[]): LostRight | "unfinished" | null {
    const { principal } = this;
    if (principal.isExpired(this.#unixMs())) return "expired";
    if (principal.hasSignedOut) return "revoked";
    const { version } = principal;
    if (version === this.#version) return null;
    if (principal.isRevoked) return "revoked";
    const { grant } = principal;
    const lost = grant.allowsAllOf(this.#allowing)
      ? null
      : this.#checks.run(grant, channels, version);
    if (lost !== null) return lost;
    this.#allowing = grant;
    this.#version = version;
    return null;
  }
}
