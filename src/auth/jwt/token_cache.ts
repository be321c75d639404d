// Remembers verified and refused tokens by their SHA-256, so that a token's signature is checked once.
// Invariant: limited entries, no token; a token is not remembered longer than it is valid, nor than its key is.
import { createHash } from "node:crypto";
import type { Claims } from "../claims.ts";
import type { Denial } from "../denial.ts";
import type { IssuerKey } from "./key_set.ts";
import { Lru } from "./lru.ts";

/** Each holds at most the claims of one token, so about as many bytes as it. */
export const VERIFIED_MAX = 16_384;
export const REFUSED_MAX = 4096;
/** How long a refusal is remembered. */
export const REFUSED_MS = 30_000;

export interface VerifiedToken {
  readonly claims: Claims;
  readonly key: IssuerKey;
}

export interface TokenCacheOptions {
  /** Whether an issuer still lists a key. */
  readonly isCurrent: (issuer: string, key: IssuerKey) => boolean;
  readonly unixMs: () => number;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
}

/** The key of a token in the cache. */
export function tokenHashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

export class TokenCache {
  readonly #options: TokenCacheOptions;
  readonly #verified = new Lru<VerifiedToken>(VERIFIED_MAX);
  readonly #refused = new Lru<{ denial: Denial; untilMs: number }>(REFUSED_MAX);

  constructor(options: TokenCacheOptions) {
    this.#options = options;
  }

  /** Tokens that are remembered as valid. */
  get size(): number {
    return this.#verified.size;
  }

  get(hash: string): Claims | Denial | null {
    const { isCurrent, unixMs, clockMs } = this.#options;
    const verified = this.#verified.get(hash);
    if (verified !== undefined) {
      const { claims, key } = verified;
      const isValid = unixMs() < claims.expiresMs &&
        isCurrent(claims.issuer, key);
      if (isValid) return claims;
      this.#verified.delete(hash);
    }
    const refused = this.#refused.get(hash);
    if (refused === undefined) return null;
    if (clockMs() < refused.untilMs) return refused.denial;
    this.#refused.delete(hash);
    return null;
  }

  accept(hash: string, verified: VerifiedToken): void {
    this.#verified.set(hash, verified);
  }

  refuse(hash: string, denial: Denial): void {
    const untilMs = this.#options.clockMs() + REFUSED_MS;
    this.#refused.set(hash, { denial, untilMs });
  }
}
