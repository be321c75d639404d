// Whether a request came over HTTPS: to this process, or to a trusted proxy that says so in X-Forwarded-Proto.
// Invariant: the header of anyone else changes nothing.
import type { IncomingMessage } from "node:http";
import type { BlockList } from "node:net";
import { plainAddress } from "../../shares/client_address.ts";
import { isTrusted } from "../../net/forwarded_address.ts";

/** Whether the client's connection is encrypted. Of a list in the header, the last entry counts: the nearest proxy wrote it. */
export function isHttps(
  request: IncomingMessage | undefined,
  trusted: BlockList,
): boolean {
  if (request === undefined) return false;
  const { socket, headers } = request;
  if ((socket as { readonly encrypted?: boolean }).encrypted) return true;
  if (!isTrusted(plainAddress(socket.remoteAddress ?? ""), trusted)) {
    return false;
  }
  const header = headers["x-forwarded-proto"] ?? "";
  const text = Array.isArray(header) ? header.join(",") : header;
  return text.slice(text.lastIndexOf(",") + 1).trim().toLowerCase() === "https";
}
