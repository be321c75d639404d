// Reads header and claims of a JWT before its signature is checked, within limits. Nothing in them is trusted: they name the
// key to check with, and show early that a token has expired.
import { type Denial, denial } from "../denial.ts";
import { type Algorithm, isObject, KEY_ID_LENGTH_MAX } from "./key_set.ts";

/** Longest header, characters of base64url. */
const HEADER_LENGTH_MAX = 2048;
const PARTS = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/;
const ALGORITHMS: readonly string[] = ["RS256", "ES256"] satisfies Algorithm[];

/** What an unverified token says. */
export interface UnverifiedToken {
  readonly algorithm: Algorithm;
  /** Id of the key; undefined where there is none. */
  readonly keyId: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Whether a token may be a JWT: base64url of `{"`, then a dot. */
export function looksLikeJwt(token: string): boolean {
  return token.startsWith("ey") && token.includes(".");
}

/** Reads a token of at most TOKEN_LENGTH_MAX characters. */
export function readUnverified(token: string): UnverifiedToken | Denial {
  const [, headerPart, claimsPart, signature] = PARTS.exec(token) ?? [];
  if (headerPart === undefined || claimsPart === undefined) {
    return refused(
      "The token is not a signed JWT: it needs three parts of base64url with dots between them",
    );
  }
  if (headerPart.length > HEADER_LENGTH_MAX) {
    return refused(
      `The token's header is longer than ${HEADER_LENGTH_MAX} characters`,
    );
  }
  const header = objectIn(headerPart);
  const claims = objectIn(claimsPart);
  if (header === null || claims === null) {
    return refused("The token's header or claims are not a JSON object");
  }
  const fault = headerFault(header, signature!);
  if (fault !== null) return refused(fault);
  return {
    algorithm: header["alg"] as Algorithm,
    keyId: header["kid"] as string | undefined,
    claims,
  };
}

/** A token that is not accepted. */
export function refused(detail: string): Denial {
  return denial("invalid_token", detail);
}

/** Keys and addresses of keys in a header (`jwk`, `jku`, `x5u`, `x5c`) are not read at all. */
function headerFault(
  { alg, crit, kid }: Record<string, unknown>,
  signature: string,
): string | null {
  if (typeof alg !== "string" || !ALGORITHMS.includes(alg)) {
    return "The token is not signed with RS256 or ES256";
  }
  if (signature === "") return "The token has no signature";
  if (crit !== undefined) {
    return "The token's header has extensions ('crit'), and this instance knows none";
  }
  const isKeyId = kid === undefined ||
    typeof kid === "string" && kid.length <= KEY_ID_LENGTH_MAX;
  return isKeyId
    ? null
    : `The token's key id is not a text of at most ${KEY_ID_LENGTH_MAX} characters`;
}

function objectIn(part: string): Record<string, unknown> | null {
  try {
    const bytes = Uint8Array.fromBase64(part, { alphabet: "base64url" });
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
