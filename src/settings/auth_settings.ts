// Settings: whether requests need a credential, and which files say what its owner may read.
import { audiences, claim, issuers, keyHosts } from "./issuer_readers.ts";
import { choices, file, whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** A kind of credential that is accepted. */
export type AuthMode = "tokens" | "jwt";

/** Authentication and grants. */
export interface AuthSettings {
  /** Empty: requests need no credential. */
  readonly auth: readonly AuthMode[];
  /** Paths; empty for none. */
  readonly authTokenFile: string;
  /** Grants for owners of tokens and JWTs, as JSON */
  readonly authPolicyFile: string;
  /** Issuers of JWTs, as tokens name them. */
  readonly authIssuer: readonly string[];
  /** Audiences of JWTs that are accepted; JWTs for the audience ANY are, too */
  readonly authAudience: readonly string[];
  /** `HOST:PORT` */
  readonly authKeyHosts: readonly string[];
  /** By how much the clocks of issuers may differ from this one. [s] */
  readonly authClockToleranceS: number;
  /** Claim of a JWT that holds the groups of its owner. */
  readonly authGroupsClaim: string;
  /** Keys for session cookies, one a line; the first seals */
  readonly sessionKeyFile: string;
  /** Longest life of a session; it ends with its token at the latest. [h] */
  readonly sessionHours: number;
}

export const AUTH_SETTINGS = {
  auth: choices(
    "none",
    ["tokens", "jwt"],
    "credentials that requests need: tokens of --auth-token-file, JWTs, or either",
  ),
  authTokenFile: file(
    "names, hashes and grants of tokens, written by deno task token",
  ),
  authPolicyFile: file("grants for owners of tokens and JWTs, as JSON"),
  authIssuer: issuers(
    "issuers whose JWTs are accepted, as their tokens name them",
  ),
  authAudience: audiences(
    "audiences of JWTs that are accepted; JWTs for the audience ANY are, too",
  ),
  authKeyHosts: keyHosts(
    "other servers that may hold the keys of an issuer; its own always may",
  ),
  authClockToleranceS: whole({
    unit: "s",
    preset: 5,
    min: 0,
    max: 300,
    help: "by how much the clocks of issuers may differ from this one",
  }),
  authGroupsClaim: claim(
    "groups",
    "claim of a JWT that holds the groups of its owner",
  ),
  sessionKeyFile: file("keys for session cookies, one a line; the first seals"),
  sessionHours: whole({
    unit: "h",
    preset: 12,
    min: 1,
    max: 720,
    help: "longest life of a session; it ends with its token at the latest",
  }),
} satisfies SettingsOf<AuthSettings>;

/** What is wrong with these settings together, or null. */
export function authFault(
  settings: AuthSettings,
): string | null {
  const { auth, authTokenFile, authPolicyFile, sessionKeyFile } = settings;
  if (auth.includes("tokens") && authTokenFile === "") {
    return "--auth tokens needs --auth-token-file";
  }
  if (!auth.includes("tokens") && authTokenFile !== "") {
    return "--auth-token-file needs --auth tokens";
  }
  if (auth.length === 0 && authPolicyFile !== "") {
    return "--auth-policy-file needs --auth tokens or --auth jwt";
  }
  if (auth.length === 0 && sessionKeyFile !== "") {
    return "--session-key-file needs --auth tokens or --auth jwt";
  }
  return jwtFault(settings);
}

function jwtFault(
  { auth, authIssuer, authAudience, authKeyHosts }: AuthSettings,
): string | null {
  const lists = {
    "--auth-issuer": authIssuer,
    "--auth-audience": authAudience,
    "--auth-key-hosts": authKeyHosts,
  };
  for (const [flag, { length }] of Object.entries(lists)) {
    if (auth.includes("jwt")) {
      const isNeeded = flag !== "--auth-key-hosts";
      if (isNeeded && length === 0) return `--auth jwt needs ${flag}`;
    } else if (length > 0) return `${flag} needs --auth jwt`;
  }
  return null;
}
