// Makes the access control that the settings describe; reads the token file and the policy file.
import type { Catalog } from "../channels/catalog.ts";
import type { AuthSettings } from "../settings/auth_settings.ts";
import type { Logger } from "../telemetry/log.ts";
import { AccessControl, type TokenVerifier } from "./access_control.ts";
import { AuthFiles } from "./auth_files.ts";
import { GrantsInForce } from "./grants_in_force.ts";
import { TokenFileVerifier } from "./token_verifier.ts";

/** Over the catalog of a source. Rejects with a message for the operator when a file is wrong. */
export async function accessOf(
  settings: AuthSettings,
  catalog: Catalog,
  log: Logger,
): Promise<AccessControl> {
  if (settings.auth.length === 0) return new AccessControl({ catalog });
  const book = new GrantsInForce();
  const files = new AuthFiles({ settings, book, log });
  await files.start();
  return new AccessControl({
    catalog,
    book,
    files,
    verifiers: settings.auth.map((mode): TokenVerifier => {
      if (mode === "tokens") return new TokenFileVerifier(() => book.tokens);
      throw new Error("this version accepts no JWTs");
    }),
  });
}
