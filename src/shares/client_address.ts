// Addresses of clients in one spelling, and what is counted as one client: an IPv4 address, or an IPv6 /64, since a
// single IPv6 subscriber is given a /64 or more. Invariant: pure, linear in the text, which is at most TEXT_CHARS_MAX.

/** `[` + IPv6 + `%` + zone + `]:65535` */
const TEXT_CHARS_MAX = 100;
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUPS = 8;
const GROUPS_OF_PREFIX = 4;

/**
 * One spelling of an address: IPv4 as four numbers, also where it is mapped into IPv6 (`::ffff:1.2.3.4`); IPv6 in lower
 * case, compressed, without zone. A port and brackets are left out, as `X-Forwarded-For` may have them. "" for anything
 * else (`unknown`, a name).
 */
export function plainAddress(text: string): string {
  if (text.length > TEXT_CHARS_MAX) return "";
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text);
  if (bracketed) return plainIpv6(bracketed[1]!);
  const colon = text.indexOf(":");
  if (colon < 0) return plainIpv4(text);
  if (text.indexOf(":", colon + 1) >= 0) return plainIpv6(text);
  return /^\d{1,5}$/.test(text.slice(colon + 1))
    ? plainIpv4(text.slice(0, colon))
    : "";
}

/** What an address in one spelling is counted as: itself, or the /64 of IPv6. */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const groups = groupsOf(address);
  return `${groups.slice(0, GROUPS_OF_PREFIX).join(":")}::/64`;
}

function plainIpv4(text: string): string {
  const parts = IPV4.exec(text);
  // Some programs read a number with a leading zero as octal.
  const isPlain = parts?.slice(1).every((part) =>
    Number(part) <= 255 && (part === "0" || !part.startsWith("0"))
  );
  return isPlain ? text : "";
}

function plainIpv6(text: string): string {
  const zone = text.indexOf("%");
  const address = zone < 0 ? text : text.slice(0, zone);
  if (!/^[0-9a-f:.]+$/i.test(address)) return "";
  const url = `http://[${address}]/`;
  if (!URL.canParse(url)) return "";
  const plain = new URL(url).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain);
  if (mapped === null) return plain;
  const high = parseInt(mapped[1]!, 16);
  const low = parseInt(mapped[2]!, 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight groups of a compressed IPv6 address. */
function groupsOf(address: string): string[] {
  const [before, after] = address.split("::");
  const head = before === "" ? [] : before!.split(":");
  if (after === undefined) return head;
  const tail = after === "" ? [] : after.split(":");
  const zeros = new Array<string>(GROUPS - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail];
}
