// Settings that name web servers and pages: host names (`--allowed-hosts`) and origins (`--cors-origin`).
// Invariant: an accepted name can be compared with a header as text. Pure functions.

const HOST_CHARS_MAX = 253;
/** Host names have no underscores, but those of container networks may. */
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const ORIGIN_CHARS_MAX = 300;

/** A host name, an address (IPv6 without brackets), or `*.` before a name for all names below it. In lower case. */
export function isHostPattern(text: string): boolean {
  if (text === "*") return true;
  if (text.length > HOST_CHARS_MAX) return false;
  if (text.includes(":")) {
    return /^[0-9a-f:.]+$/.test(text) && URL.canParse(`http://[${text}]/`);
  }
  const name = text.startsWith("*.") ? text.slice(2) : text;
  return name.split(".").every((label) => LABEL.test(label));
}

/** An origin exactly as a browser sends it: scheme, host, and port unless it is the scheme's own. */
export function isOrigin(text: string): boolean {
  if (text.length > ORIGIN_CHARS_MAX) return false;
  if (!/^https?:/.test(text)) {
    // An extension or a desktop application: `chrome-extension://…`, `app://…`. Browsers send these as they are.
    return /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,"'*\\]+$/.test(text);
  }
  return !text.includes("*") && URL.canParse(text) &&
    new URL(text).origin === text;
}

/** The address under which browsers reach a server behind a proxy: HTTPS, without query and without a slash at its end. */
export function isPublicUrl(text: string): boolean {
  if (text.length > ORIGIN_CHARS_MAX || !URL.canParse(text)) return false;
  const { protocol, origin, pathname } = new URL(text);
  const path = pathname === "/" ? "" : pathname;
  return protocol === "https:" && text === origin + path &&
    /^(\/[\w.~-]+)*$/.test(path);
}
