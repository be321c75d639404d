// Settings: whether requests need a credential, and which files say what its owner may read.
import { choices, file } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** A kind of credential that is accepted. */
export type AuthMode = "tokens" | "jwt";

/** Authentication and grants. */
export interface AuthSettings {
  /** Empty: requests need no credential. */
  readonly auth: readonly AuthMode[];
  /** Paths; empty for none. */
  readonly authTokenFile: string;
  readonly authPolicyFile: string;
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
} satisfies SettingsOf<AuthSettings>;

/** What is wrong with these settings together, or null. */
export function authFault(
  { auth, authTokenFile, authPolicyFile }: AuthSettings,
): string | null {
  if (auth.includes("tokens") && authTokenFile === "") {
    return "--auth tokens needs --auth-token-file";
  }
  if (!auth.includes("tokens") && authTokenFile !== "") {
    return "--auth-token-file needs --auth tokens";
  }
  if (auth.length === 0 && authPolicyFile !== "") {
    return "--auth-policy-file needs --auth tokens or --auth jwt";
  }
  return null;
}
