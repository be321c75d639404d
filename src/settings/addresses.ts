// Addresses as settings: hosts, brokers (HOST:PORT), proxies (ADDRESS or ADDRESS/BITS).
// Invariant: an accepted address can be listened on, connected to, or put into a BlockList. Pure functions.

const HOST_CHARS_MAX = 253;
/** Host names have no underscores, but those of container networks may. */
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const PORT_MAX = 65_535;

/** Four numbers from 0 to 255 without leading zeros, which some programs read as octal. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) <= 255);
}

/** An IPv6 address without brackets and zone. */
export function isIpv6(text: string): boolean {
  return /^[0-9a-f:.]{2,45}$/i.test(text) && URL.canParse(`http://[${text}]/`);
}

/** An IPv4 or IPv6 address, the latter perhaps with a zone; not a name. */
export function isAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text.split("%")[0]!);
}

/** A host name or an IPv4 address. */
function isName(text: string): boolean {
  if (isIpv4(text)) return true;
  const labels = text.replace(/\.$/, "").split(".");
  // A last label of digits would make it an IPv4 address, and a wrong one.
  return text.length <= HOST_CHARS_MAX &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1)!);
}

/** An address or a name to listen on, without port, brackets or scheme. */
export function isHost(text: string): boolean {
  const [address, zone, ...more] = text.split("%");
  const isAddress = isIpv6(address!) && more.length === 0 &&
    (zone === undefined || /^[\w.-]{1,32}$/.test(zone));
  return isAddress || isName(text);
}

/** `host:9092`, `10.0.0.1:9092` or `[::1]:9092`. */
export function isBroker(text: string): boolean {
  const [, bracketed, name, port] =
    text.match(/^(?:\[([^\]]+)\]|([^:]+)):([1-9]\d{0,4})$/) ?? [];
  if (port === undefined || Number(port) > PORT_MAX) return false;
  return bracketed !== undefined ? isIpv6(bracketed) : isName(name!);
}

/** An address, or a range of them by its leading bits: 0 to 32 of IPv4, 0 to 128 of IPv6. */
export function isProxy(text: string): boolean {
  const [address, bits, ...more] = text.split("/");
  if (more.length > 0) return false;
  const bitsMax = isIpv4(address!) ? 32 : isIpv6(address!) ? 128 : -1;
  return bitsMax >= 0 &&
    (bits === undefined ||
      /^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= bitsMax);
}

/** Whether only this machine can connect to a listener on this host. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return name === "localhost" || name === "::1" ||
    isIpv4(name) && name.startsWith("127.");
}

/** The host as a URL writes it: IPv6 in brackets. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host.replace("%", "%25")}]` : host;
}
