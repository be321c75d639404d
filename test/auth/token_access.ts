// An access control with tokens that a test makes and revokes: `t-alice` is the token of alice.
import { AccessControl } from "../../src/auth/access_control.ts";
import { ANONYMOUS, type Claims } from "../../src/auth/claims.ts";
import { denial } from "../../src/auth/denial.ts";
import { Grant, type GrantShares } from "../../src/auth/grant.ts";
import { ReadRule } from "../../src/auth/read_rule.ts";
import { SessionKeys } from "../../src/auth/session_keys.ts";
import { Sessions } from "../../src/auth/sessions.ts";
import type { Catalog } from "../../src/channels/catalog.ts";

/** What a test knows of the owner of a token. */
export interface TestOwner {
  /** Expression on the names that it may read. @default all */
  match?: string;
  expiresMs?: number;
  groups?: readonly string[];
  isRevoked?: boolean;
  isOperator?: boolean;
  isRelay?: boolean;
  shares?: GrantShares;
}

export interface TokenAccess {
  readonly access: AccessControl;
  readonly sessions: Sessions;
  /** By name; call `changed()` after a change. */
  readonly owners: Record<string, TestOwner>;
  changed(): void;
}

export async function tokenAccess(
  catalog: Catalog,
  owners: Record<string, TestOwner>,
  { keys, hoursMax = 12, unixMs = () => Date.now(), acceptsTokens = true }: {
    readonly keys?: string;
    readonly hoursMax?: number;
    readonly unixMs?: () => number;
    readonly acceptsTokens?: boolean;
  } = {},
): Promise<TokenAccess> {
  const listeners: (() => void)[] = [];
  const book = {
    version: 0,
    grantOf: ({ subject }: Claims) => {
      const owner = owners[subject];
      if (owner?.isRevoked) return "revoked" as const;
      const read = owner === undefined
        ? []
        : owner.match === undefined
        ? "all" as const
        : [new ReadRule({ match: owner.match })];
      const { isOperator = false, isRelay = false, shares = {} } = owner ?? {};
      return new Grant({ read, isOperator, isRelay, shares });
    },
    expiresMsOf: ({ expiresMs }: Claims) => expiresMs,
    onChange: (listener: () => void) => void listeners.push(listener),
  };
  const sessions = new Sessions({
    keys: keys === undefined
      ? await SessionKeys.random()
      : await SessionKeys.of(keys),
    hoursMax,
    unixMs,
  });
  const access = new AccessControl({
    catalog,
    book,
    sessions,
    unixMs,
    verifiers: [{
      kindText: "a token of this test",
      recognizes: (token) => token.startsWith("t-"),
      vouchesFor: ({ kind }) => acceptsTokens && kind === "token",
      verify: (token) => {
        const subject = token.slice(2);
        const owner = owners[subject];
        if (owner === undefined) {
          return denial("invalid_token", "The token is not known");
        }
        return {
          ...ANONYMOUS,
          kind: "token",
          subject,
          groups: owner.groups ?? [],
          expiresMs: owner.expiresMs ?? Infinity,
        };
      },
    }],
  });
  return {
    access,
    sessions,
    owners,
    changed: () => {
      book.version++;
      for (const listener of listeners) listener();
    },
  };
}
