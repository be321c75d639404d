// A handler that writes node's response itself, where the server is node:http: the bytes then pass no ReadableStream.
// Invariant: the head has what middleware (CORS) has put on the response so far; nothing is added to it later.
import type { Context } from "hono";
import type { ServerResponse } from "node:http";

export interface TakeoverOptions {
  /** What a handler returns when it has written the response itself; null where the server is not node:http. */
  readonly alreadySent: Response | null;
  /**
   * Whether answers depend on the request's Origin. The CORS middleware says so in `vary` after the handler, which is
   * too late for a response that the handler has written.
   */
  readonly variesByOrigin: boolean;
}

/** Node's response, where the handler can write it itself; else null. */
export function outgoingOf(
  c: Context,
  { alreadySent }: TakeoverOptions,
): ServerResponse | null {
  if (alreadySent === null) return null;
  const env = c.env as { readonly outgoing?: ServerResponse } | undefined;
  return env?.outgoing ?? null;
}

/** Writes status 200 and all headers at once: node keeps what setHeader() is given for as long as the response lasts. */
export function writeHead(
  c: Context,
  outgoing: ServerResponse,
  headers: Readonly<Record<string, string>>,
  { variesByOrigin }: TakeoverOptions,
): void {
  if (variesByOrigin) c.header("vary", "Origin", { append: true });
  outgoing.writeHead(200, { ...Object.fromEntries(c.res.headers), ...headers });
}
