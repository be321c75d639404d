// A file that does not change while the process runs: all clients share one plain buffer and one compressed buffer.
// Invariant: no buffer is copied for a client on node:http; the two codings have different ETags.
import type { Context } from "hono";
import { codingFor } from "./accept_encoding.ts";
import {
  outgoingOf,
  type TakeoverOptions,
  writeHead,
} from "./response_takeover.ts";

/** Smaller files do not get smaller by gzip. */
const GZIP_BYTES_MIN = 1024;
/** Bytes that are compressed in one turn of the event loop: about 3 ms. */
const SLICE_BYTES = 64 * 1024;

interface Variant {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** One file in both codings. */
export class SharedFile {
  readonly type: string;
  readonly #read: () => string | Promise<string>;
  #plain: Promise<Variant> | null = null;
  #gzip: Promise<Variant> | null = null;

  /** `read` is called on the first request for the file. */
  constructor(type: string, read: () => string | Promise<string>) {
    this.type = type;
    this.#read = read;
  }

  /** The file in a coding; a short file is not compressed. */
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
    new Response(stream.readable).arrayBuffer(),
    write(),
  ]);
  return { bytes: new Uint8Array(gzip), etag: etag.replace(/"$/, '-gzip"') };
}

/** Answers with a file, or with 304 where the client already has it. */
export async function sendShared(
  c: Context,
  file: SharedFile,
  options: TakeoverOptions & { readonly headers: Record<string, string> },
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
  const { alreadySent } = options;
  const outgoing = outgoingOf(c, options);
  if (outgoing === null || alreadySent === null) {
    return c.body(bytes, 200, headers);
  }
  if (outgoing.destroyed) return alreadySent;
  writeHead(c, outgoing, headers, options);
  outgoing.end(bytes);
  return alreadySent;
}

/** Whether an `If-None-Match` lists a tag, weak or strong. In linear time: a regular expression here was quadratic. */
function isListed(etag: string, list: string): boolean {
  return list.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" ||
      (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
  });
}
