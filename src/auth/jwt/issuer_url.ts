// Which addresses of keys are fetched: those of the issuer's own host, or of a host that the operator allows; by https, and
// by http only from this machine to itself. Pure functions.

const URL_LENGTH_MAX = 2048;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether a URL may be fetched as it is: https, or http on this machine; without user, password and fragment. */
export function isFetchable(
  { protocol, hostname, username, password, hash }: URL,
): boolean {
  const isSafe = protocol === "https:" ||
    protocol === "http:" && LOOPBACK.test(hostname);
  return isSafe && username === "" && password === "" && hash === "";
}

/** `HOST:PORT` of a URL. */
export function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
}

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
