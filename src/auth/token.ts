// Tokens that Qanat makes: `qanat_` and 43 characters of base64url, which are 32 random bytes.
// Invariant: only hashes are kept. A plain SHA-256 is enough, since 256 random bits cannot be guessed; passwords, which
// people choose, would need a slow hash with salt.
import { createHash } from "node:crypto";

export const TOKEN_PREFIX = "qanat_";
const TOKEN_BYTES = 32;
const TOKEN = /^qanat_[A-Za-z0-9_-]{43}$/;

/** A new token. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return TOKEN_PREFIX +
    bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Whether a text has the form of a token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** SHA-256 in hexadecimal digits. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
