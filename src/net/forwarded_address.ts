// The address of a client: the peer's, or behind trusted proxies the one that they give in X-Forwarded-For.
// Invariant: only entries that a trusted proxy wrote are used, read from the right end of the header; at most
// HOPS_MAX entries are read, however long the header is.
import { BlockList } from "node:net";
import { plainAddress } from "../shares/client_address.ts";

/** Most proxies in a row. */
const HOPS_MAX = 16;

/** The addresses of `--trusted-proxies`: `ADDRESS` or `ADDRESS/BITS`. */
export function trustedBy(list: readonly string[]): BlockList {
  const trusted = new BlockList();
  for (const item of list) {
    const [text, bits] = item.split("/");
    const address = bits === undefined ? plainAddress(text!) : text!;
    if (bits === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(bits), familyOf(address));
  }
  return trusted;
}

/**
 * The last address that is not a trusted proxy's, in its canonical spelling; "" where the peer is not known.
 * `header`: the values of X-Forwarded-For.
 */
export function forwardedAddress(
  peer: string,
  header: string | readonly string[] | undefined,
  trusted: BlockList,
): string {
  let address = plainAddress(peer);
  const hops = typeof header === "string" ? header : (header ?? []).join(",");
  let end = hops.length;
  for (let i = 0; i < HOPS_MAX && end > 0; i++) {
    if (!isTrusted(address, trusted)) break;
    const comma = hops.lastIndexOf(",", end - 1);
    const hop = plainAddress(hops.slice(comma + 1, end).trim());
    // `unknown`, or a name: the entries to its left cannot be attributed.
    if (hop === "") break;
    address = hop;
    end = comma;
  }
  return address;
}

/** Whether an address belongs to a trusted proxy. */
export function isTrusted(address: string, trusted: BlockList): boolean {
  return address !== "" && trusted.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}
