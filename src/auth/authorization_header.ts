// The bearer token of the header Authorization, read in the same way for HTTP and Flight.
// Invariant: a header that names no single bearer token is refused; it never counts as a missing one.
import { type Denial, denial } from "./denial.ts";

/** `Bearer`, in any case, and one token without blanks. */
const BEARER = /^bearer +(\S+) *$/i;
const SCHEME = /^bearer\b/i;

const OTHER_SCHEME = denial(
  "invalid_token",
  "The header Authorization has another scheme than Bearer; send one header 'Authorization: Bearer TOKEN'",
);
const NOT_ONE_TOKEN = denial(
  "invalid_request",
  "The request must have one header Authorization with one token: 'Authorization: Bearer TOKEN'",
);

/**
 * The token; null without a header. `header`: its value; of a header that comes several times all values, with `, `
 * between them, as HTTP joins them.
 */
export function bearerOf(header: string): string | null | Denial {
  if (header === "") return null;
  const token = BEARER.exec(header)?.[1];
  if (token !== undefined) return token;
  return SCHEME.test(header) ? NOT_ONE_TOKEN : OTHER_SCHEME;
}
