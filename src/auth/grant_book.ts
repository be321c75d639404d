// Finds the grant of an owner, by the token file and the policy that are in force, and reports when they have changed.
// Invariant: `version` grows with every change; a grant that was found under an older version may be void.
import type { Claims } from "./claims.ts";
import type { Grant } from "./grant.ts";

/** A source of grants: the token file, the policy, or the scopes of a JWT. Null: it says nothing about this owner. */
export type GrantSource = (claims: Claims) => Grant | null;

/** The grants that are in force. */
export interface GrantBook {
  /** Grows with every change. */
  readonly version: number;
  /** The grant of an owner; `revoked` where its credential is no longer accepted. An owner without rights has an empty one. */
  grantOf(claims: Claims): Grant | "revoked";
  /** When an owner's credential expires, Unix ms: as its claims say, or earlier by what is in force. */
  expiresMsOf(claims: Claims): number;
  /** Calls `listener` after every change. */
  onChange(listener: () => void): void;
}
