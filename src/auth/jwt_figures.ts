// What metrics show of the verifier of JWTs.

export interface JwtFigures {
  /** Signatures that were checked; tokens that were known already. */
  readonly counters: { readonly checks: number; readonly remembered: number };
  /** Tokens that were refused because too many waited: of all, or of one address. */
  readonly busy: { readonly all: number; readonly share: number };
  /** Tokens that wait for their check. */
  readonly waiting: number;
  /** Verified tokens that are remembered. */
  readonly remembered: number;
  readonly issuers: Iterable<IssuerFigures>;
}

export interface IssuerFigures {
  readonly issuer: string;
  /** Fetches of its keys that succeeded, and that failed. */
  readonly counters: { readonly reads: number; readonly failures: number };
  /** For how long its keys could not be read; 0 where the last fetch succeeded. */
  readonly failingMs: number;
}
