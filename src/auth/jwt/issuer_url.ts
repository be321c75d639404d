// Which addresses of keys are fetched: those on the issuer's own host, or on one that the operator allows. Pure functions.
import { hostAndPort, isFetchable } from "../../settings/issuer_readers.ts";

const URL_LENGTH_MAX = 2048;

/** What is wrong with the address of an issuer's keys; null where it may be fetched. */
export function urlFault(
  text: unknown,
  issuer: string,
  keyHosts: readonly string[],
): string | null {
  if (typeof text !== "string" || text.length > URL_LENGTH_MAX) {
    return "is missing or too long";
  }
  if (!URL.canParse(text)) return "is not a URL";
  const url = new URL(text);
  const own = new URL(issuer);
  const isWeaker = own.protocol === "https:" && url.protocol !== "https:";
  if (!isFetchable(url) || isWeaker) return "is not an https address";
  const host = hostAndPort(url);
  return host === hostAndPort(own) || keyHosts.includes(host)
    ? null
    : `is on ${host}, which --auth-key-hosts does not name`;
}
