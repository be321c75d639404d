// The grants of the token file, the policy and the scopes of JWTs that are in force now.
// Invariant: with a policy, scopes grant nothing by themselves; a token that is not in the file is revoked.
import type { Claims } from "./claims.ts";
import { Grant } from "./grant.ts";
import type { GrantBook, GrantSource } from "./grant_book.ts";
import type { Policy } from "./policy.ts";
import type { TokenFile } from "./token_file.ts";

const NOTHING = new Grant({ read: [] });

/** A book whose contents are replaced when a file has changed. */
export class GrantsInForce implements GrantBook {
  version = 1;
  #tokens: TokenFile = new Map();
  #policy: Policy | null = null;
  /** What the scopes of a JWT grant where there is no policy. */
  readonly #scopes: GrantSource;
  readonly #listeners: (() => void)[] = [];
  /** Grants of tokens that the policy adds to, by hash. */
  readonly #ofTokens = new Map<string, Grant>();

  constructor(scopes: GrantSource = () => null) {
    this.#scopes = scopes;
  }

  get tokens(): TokenFile {
    return this.#tokens;
  }

  get policy(): Policy | null {
    return this.#policy;
  }

  replaceTokens(tokens: TokenFile): void {
    this.#tokens = tokens;
    this.#changed();
  }

  replacePolicy(policy: Policy): void {
    this.#policy = policy;
    this.#changed();
  }

  grantOf(claims: Claims): Grant | "revoked" {
    if (claims.kind === "token") return this.#grantOfToken(claims);
    const policy = this.#policy;
    if (policy !== null) return policy.grantOf(claims) ?? NOTHING;
    return claims.kind === "jwt" ? this.#scopes(claims) ?? NOTHING : NOTHING;
  }

  expiresMsOf({ tokenHash, expiresMs }: Claims): number {
    const inForce = this.#tokens.get(tokenHash)?.expiresMs ?? Infinity;
    return Math.min(expiresMs, inForce);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #grantOfToken(claims: Claims): Grant | "revoked" {
    const entry = this.#tokens.get(claims.tokenHash);
    // A name can be given to another token; its old one is no longer accepted.
    if (entry === undefined) return "revoked";
    const added = this.#policy?.grantOf(claims) ?? null;
    if (added === null) return entry.grant;
    let union = this.#ofTokens.get(entry.hash);
    if (union === undefined) {
      union = Grant.union([entry.grant, added]);
      this.#ofTokens.set(entry.hash, union);
    }
    return union;
  }

  #changed(): void {
    this.version++;
    this.#ofTokens.clear();
    for (const listener of this.#listeners) listener();
  }
}
