// The address that a request comes from: the peer's, or behind trusted proxies what they say in X-Forwarded-For.
// Invariant: only what a trusted proxy wrote is believed, from the right end of the header on; at most HOPS_MAX of its
// entries are read, however long it is.
import type { IncomingMessage } from "node:http";
import { BlockList } from "node:net";
import { plainAddress } from "../../clients/client_address.ts";

/** Proxies in a row. */
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

/** The last address that no trusted proxy has, in one spelling; "" where the peer is not known. */
export function requestAddress(
  request: IncomingMessage | undefined,
  trusted: BlockList,
): string {
  let address = plainAddress(request?.socket?.remoteAddress ?? "");
  const header = request?.headers["x-forwarded-for"] ?? "";
  const hops = Array.isArray(header) ? header.join(",") : header;
  let end = hops.length;
  for (let i = 0; i < HOPS_MAX && end > 0; i++) {
    if (!isTrusted(address, trusted)) break;
    const comma = hops.lastIndexOf(",", end - 1);
    const hop = plainAddress(hops.slice(comma + 1, end).trim());
    // `unknown`, or a name: nothing to its left can be told from it.
    if (hop === "") break;
    address = hop;
    end = comma;
  }
  return address;
}

/** Whether an address is one of the trusted proxies'. */
export function isTrusted(address: string, trusted: BlockList): boolean {
  return address !== "" && trusted.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}
