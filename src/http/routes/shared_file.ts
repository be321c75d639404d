// A file that never changes while the process runs: one buffer for all clients, and one more that is gzip'ed once.
// Invariant: neither is copied for a client where a response can be taken over (node:http); the codings differ in ETag.
import type { Context } from "hono";
import type { ServerResponse } from "node:http";
import { codingFor } from "./accept_encoding.ts";

/** Smaller files do not gain by gzip. */
const GZIP_BYTES_MIN = 1024;
/** Compressed at a time, so that the event loop has its turns: about 3 ms. */
const SLICE_BYTES = 64 * 1024;

interface Variant {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

export class SharedFile {
  readonly type: string;
  readonly #read: () => string | Promise<string>;
  #plain: Promise<Variant> | null = null;
  #gzip: Promise<Variant> | null = null;

  /** `read` is called when the file is first asked for. */
  constructor(type: string, read: () => string | Promise<string>) {
    this.type = type;
    this.#read = read;
  }

  /** The file in a coding; gzip falls back to plain where the file is short. */
  async variant(coding: "gzip" | "identity"): Promise<Variant> {
    const plain = await (this.#plain ??= this.#readPlain());
    if (coding !== "gzip" || plain.bytes.byteLength < GZIP_BYTES_MIN) {
      return plain;
    }
    return await (this.#gzip ??= packed(plain));
  }

  async #readPlain(): Promise<Variant> {
    const bytes = new TextEncoder().encode(await this.#read());
    const hash = await crypto.subtle.digest("SHA-256", bytes);
    const tag = new Uint8Array(hash).toHex().slice(0, 24);
    return { bytes, etag: `"${tag}"` };
  }
}

async function packed({ bytes, etag }: Variant): Promise<Variant> {
  const stream = new CompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const write = async () => {
    for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
      await writer.write(bytes.subarray(at, at + SLICE_BYTES));
      await new Promise((resolve) => setTimeout(resolve));
    }
    await writer.close();
  };
  const [gzip] = await Promise.all([
    new Response(stream.readable).bytes(),
    write(),
  ]);
  return { bytes: gzip, etag: etag.replace(/"$/, '-gzip"') };
}

/** How shared files are sent. */
export interface SharedFileOptions {
  /** What a handler answers when it has written the response itself; null where it cannot. */
  readonly alreadySent: Response | null;
  /** Whether CORS answers by the request's Origin; it says so itself where a response is not taken over. */
  readonly variesByOrigin: boolean;
}

/** Answers with a file, or with 304 where the client has it. */
export async function sendShared(
  c: Context,
  file: SharedFile,
  options: SharedFileOptions & { readonly headers: Record<string, string> },
): Promise<Response> {
  const acceptEncoding = c.req.header("accept-encoding");
  const coding = codingFor(acceptEncoding, ["gzip", "identity"]);
  const { bytes, etag } = await file.variant(
    coding === "gzip" ? "gzip" : "identity",
  );
  c.header("vary", "Accept-Encoding", { append: true });
  if (isListed(etag, c.req.header("if-none-match") ?? "")) {
    const { "cache-control": cacheControl } = options.headers;
    return c.body(null, 304, {
      etag,
      ...(cacheControl ? { "cache-control": cacheControl } : {}),
    });
  }
  const headers: Record<string, string> = {
    ...options.headers,
    "content-type": file.type,
    "content-length": String(bytes.byteLength),
    etag,
    ...(etag.endsWith('-gzip"') ? { "content-encoding": "gzip" } : {}),
  };
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const outgoing = (c.env as { outgoing?: ServerResponse } | undefined)
    ?.outgoing;
  if (!outgoing || !options.alreadySent) return c.body(bytes, 200, headers);
  if (outgoing.destroyed) return options.alreadySent;
  if (options.variesByOrigin) c.header("vary", "Origin", { append: true });
  // With what middleware (CORS) has put on the response so far.
  outgoing.writeHead(200, { ...Object.fromEntries(c.res.headers), ...headers });
  outgoing.end(bytes);
  return options.alreadySent;
}

/** Whether an `If-None-Match` names a tag, weak or strong. One pass: an expression over blanks was quadratic. */
function isListed(etag: string, list: string): boolean {
  return list.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" ||
      (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
  });
}
