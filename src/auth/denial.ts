// Why a credential is not accepted, in the words of RFC 6750 and for people who have to find out why.

/** `error` of the header WWW-Authenticate; `none`: the request has no credential. */
export type DenialError =
  | "none"
  | "invalid_request"
  | "invalid_token"
  | "insufficient_scope"
  | "unavailable";

/** The answer to a request that is refused for its credential. Its texts never contain a credential. */
export interface Denial {
  readonly kind: "denial";
  readonly error: DenialError;
  /** One sentence: what was wrong, and what would be right. */
  readonly detail: string;
  /** Scope that would be needed, for `insufficient_scope`. */
  readonly scope?: string;
}

export function denial(
  error: DenialError,
  detail: string,
  scope?: string,
): Denial {
  return scope === undefined
    ? { kind: "denial", error, detail }
    : { kind: "denial", error, detail, scope };
}
