// Serves the app through node:http, where a socket write's callback is an exact release.
// Invariant: overrideGlobalObjects stays false; else cors() breaks taken-over responses (design.md).
import { createAdaptorServer } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import type { IncomingMessage, Server } from "node:http";
import { BlockList, isIP, type Socket } from "node:net";
import type { Qanat } from "../app.ts";
import { honoApp } from "./hono_app.ts";
import { RawWriter } from "./raw_write.ts";

const BACKLOG = 4096;

/** A listening server. */
export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Stops listening; resolves when every connection is closed, destroying them after `drainMs`. */
  close(drainMs: number): Promise<void>;
}

/**
 * Listens and serves until closed. Rejects when the port cannot be had. `onConnection` is called for each connection
 * that was accepted, whatever becomes of it.
 */
export async function serve(
  qanat: Qanat,
  onConnection: () => void = () => {},
): Promise<HttpServer> {
  const { host, port, trustedProxies } = qanat.config;
  const trusted = trustedBy(trustedProxies);
  const app = honoApp(qanat, {
    alreadySent: RESPONSE_ALREADY_SENT,
    rawWriter: RawWriter.find(),
    addressOf: (c) => addressOf(c, trusted),
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
  }) as Server;
  server.requestTimeout = 30_000;
  const sockets = new Set<Socket>();
  // One function for all of them.
  const forget = function (this: Socket) {
    sockets.delete(this);
  };
  server.on("connection", (socket: Socket) => {
    onConnection();
    sockets.add(socket);
    socket.on("close", forget);
  });
  server.on("clientError", answerClientError);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: BACKLOG }, () => resolve());
  });
  const address = server.address();
  return {
    host,
    port: typeof address === "object" && address ? address.port : port,
    close: (drainMs) => closeServer(server, sockets, drainMs),
  };
}

async function closeServer(
  server: Server,
  sockets: Set<Socket>,
  drainMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections?.();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, drainMs);
  await closed;
  clearTimeout(timer);
}

/** A request that node could not parse still gets a problem. */
function answerClientError(error: Error & { code?: string }, socket: Socket) {
  if (!socket.writable) return socket.destroy();
  const [status, title] = error.code === "HPE_HEADER_OVERFLOW"
    ? [431, "Request header too large"]
    : [400, "Malformed request"];
  const body = JSON.stringify({
    type: "about:blank",
    title,
    status,
    detail: status === 431
      ? "The request line and headers are too large; POST a long list of channels as JSON"
      : "The request is not valid HTTP/1.1",
  });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function trustedBy(list: readonly string[]): BlockList {
  const trusted = new BlockList();
  for (const item of list) {
    const [address, bits] = item.split("/");
    const family = isIP(address!) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) trusted.addAddress(address!, family);
    else trusted.addSubnet(address!, Number(bits), family);
  }
  return trusted;
}

/** The peer, or behind trusted proxies the last address that none of them wrote. */
function addressOf(c: Context, trusted: BlockList): string {
  const { incoming } = c.env as { incoming?: IncomingMessage };
  let address = plain(incoming?.socket?.remoteAddress ?? "");
  const hops = (c.req.header("x-forwarded-for") ?? "").split(",");
  while (hops.length > 0 && isTrusted(address, trusted)) {
    const hop = plain(hops.pop()!.trim());
    if (isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

function plain(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const version = isIP(address);
  return version !== 0 &&
    trusted.check(address, version === 6 ? "ipv6" : "ipv4");
}
