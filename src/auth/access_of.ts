// Makes the access control that the settings describe; reads the files that they name.
import type { Catalog } from "../channels/catalog.ts";
import type { AuthSettings } from "../settings/auth_settings.ts";
import type { Logger } from "../telemetry/log.ts";
import {
  AccessControl,
  type TokenVerifier,
  wallClock,
} from "./access_control.ts";
import { AuthFiles } from "./auth_files.ts";
import { GrantsInForce } from "./grants_in_force.ts";
import { grantOfScopes } from "./jwt/scope_grants.ts";
import type { EndedSessions } from "./ended_sessions.ts";
import { SessionKeys } from "./session_keys.ts";
import { Sessions, type SessionsOptions } from "./sessions.ts";
import { TokenFileVerifier } from "./token_verifier.ts";

export interface AccessSettings extends AuthSettings {
  readonly addressSharePercent: number;
  /** Threads that serve. */
  readonly workers: number;
}

/** What the threads of one process have together. */
export interface SharedSessions {
  /** Makes the key of sessions where there is no file of keys. A secret. */
  readonly secret: string;
  readonly ended: EndedSessions;
  readonly announce: SessionsOptions["announce"];
}

/**
 * Over the catalog of a source. Rejects with a message for the operator when a file is wrong. `shared`: where several
 * threads serve.
 */
export async function accessOf(
  settings: AccessSettings,
  catalog: Catalog,
  log: Logger,
  shared?: SharedSessions,
): Promise<AccessControl> {
  if (settings.auth.length === 0) return new AccessControl({ catalog });
  const book = new GrantsInForce(grantOfScopes);
  const sessions = new Sessions({
    keys: await (shared ? SessionKeys.of(shared.secret) : SessionKeys.random()),
    hoursMax: settings.sessionHours,
    unixMs: wallClock,
    ...shared ? { ended: shared.ended, announce: shared.announce } : {},
  });
  const files = new AuthFiles({
    settings,
    book,
    sessions,
    log,
    issuers: settings.authIssuer,
  });
  await files.start();
  // The thread that has made the key for several reports it.
  if (settings.sessionKeyFile === "" && !shared) reportRandomKey(log);
  return new AccessControl({
    catalog,
    book,
    files,
    sessions,
    verifiers: await Promise.all(
      settings.auth.map((mode): TokenVerifier | Promise<TokenVerifier> =>
        mode === "tokens"
          ? new TokenFileVerifier(() => book.tokens)
          : jwtVerifierOf(settings, log)
      ),
    ),
  });
}

/** The log says what a random key means. */
export function reportRandomKey(log: Logger): void {
  log.info("session-key-random", {
    effect:
      "people who sign in on the page are signed out by a restart, and no other instance knows their sessions",
    remedy: "--session-key-file",
  });
}

/** Resolves when the keys of all issuers have been read, or could not be. */
async function jwtVerifierOf(
  settings: AccessSettings,
  log: Logger,
): Promise<TokenVerifier> {
  // Imported only when needed, so that no other instance loads jose.
  const { JwtVerifier } = await import("./jwt/jwt_verifier.ts");
  const verifier = new JwtVerifier({
    issuers: settings.authIssuer,
    keyHosts: settings.authKeyHosts,
    audiences: settings.authAudience,
    toleranceS: settings.authClockToleranceS,
    groupsClaim: settings.authGroupsClaim,
    addressSharePercent: settings.addressSharePercent,
    workers: settings.workers,
    log,
    unixMs: wallClock,
    clockMs: () => performance.now(),
  });
  await verifier.start();
  return verifier;
}
