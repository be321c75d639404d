// Checks tokens against the token file that is in force.
// A look-up by hash needs no comparison in constant time. Its time depends only on hashes, and an attacker cannot choose
// a text by its SHA-256; so it can show nothing that would help to find a token.
import type { TokenVerifier } from "./access_control.ts";
import { ANONYMOUS, type Claims } from "./claims.ts";
import { type Denial, denial } from "./denial.ts";
import { hashOf, isToken, TOKEN_PREFIX } from "./token.ts";
import type { TokenFile } from "./token_file.ts";

const MALFORMED = denial(
  "invalid_token",
  `A token of this instance is '${TOKEN_PREFIX}' and 43 letters, digits, - and _; a part may be missing`,
);
const UNKNOWN = denial(
  "invalid_token",
  "This token is unknown: it may have been revoked, or belong to another instance",
);

/** Verifies tokens that `deno task token` has made. */
export class TokenFileVerifier implements TokenVerifier {
  readonly kindText = `a token that begins with '${TOKEN_PREFIX}'`;
  readonly #tokens: () => TokenFile;

  /** `tokens`: the file that is in force. */
  constructor(tokens: () => TokenFile) {
    this.#tokens = tokens;
  }

  recognizes(token: string): boolean {
    return token.startsWith(TOKEN_PREFIX);
  }

  vouchesFor({ kind }: Claims): boolean {
    return kind === "token";
  }

  verify(token: string): Claims | Denial {
    if (!isToken(token)) return MALFORMED;
    const entry = this.#tokens().get(hashOf(token));
    if (entry === undefined) return UNKNOWN;
    const { name, hash, expiresMs } = entry;
    return {
      ...ANONYMOUS,
      kind: "token",
      subject: name,
      tokenHash: hash,
      expiresMs,
    };
  }
}
