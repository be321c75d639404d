// What a verified credential says about its owner. Grants are found by it. Nothing in it is secret.

/** How an owner has proved who it is. */
export type CredentialKind = "anonymous" | "token" | "jwt";

/** What is known of an owner. */
export interface Claims {
  readonly kind: CredentialKind;
  /** Name of the token, or `sub` of a JWT; empty for anonymous. */
  readonly subject: string;
  /** `iss` of a JWT; empty for all others. */
  readonly issuer: string;
  /** Groups that a JWT names. */
  readonly groups: readonly string[];
  /** Scopes of a JWT, such as `arrakis.read:/H1_CAL`. */
  readonly scopes: readonly string[];
  /** SHA-256 of a token of the token file, in hexadecimal digits; empty for all others. */
  readonly tokenHash: string;
  /** When the credential expires, Unix ms; Infinity where it does not. */
  readonly expiresMs: number;
}

/** Claims of a request without a credential. */
export const ANONYMOUS: Claims = {
  kind: "anonymous",
  subject: "",
  issuer: "",
  groups: [],
  scopes: [],
  tokenHash: "",
  expiresMs: Infinity,
};

/** One name for an owner, for limits, logs and lists: `token:alice`, `jwt:https://issuer/ alice`, `anonymous`. */
export function principalId({ kind, subject, issuer }: Claims): string {
  switch (kind) {
    case "anonymous":
      return "anonymous";
    case "token":
      return `token:${subject}`;
    case "jwt":
      return `jwt:${issuer} ${subject}`;
  }
}
