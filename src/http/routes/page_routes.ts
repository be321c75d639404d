// The page and what it loads, from memory: content types, ETag, a strict Content-Security-Policy.
// Invariant: curl and everything else that does not ask for HTML gets the index as text.
import { Hono } from "hono";
import type { Context, Handler } from "hono";
import { PAGE_FILES } from "../../page/page_files.ts";
import { documented } from "../documents/api_document.ts";
import { problem, quoted } from "../transport/problem.ts";
import { lenientTypeFor } from "./media_type.ts";
import { sendShared, SharedFile } from "./shared_file.ts";
import type { TakeoverOptions } from "./response_takeover.ts";
import {
  PAGE_FILE,
  QANAT_JS,
  QANAT_TYPES,
} from "../documents/page_documents.ts";

/** No inline script or style, nothing from other hosts, no embedding in frames. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** What `/` can be: text where the client does not prefer HTML. */
const TEXT_OR_PAGE = ["text/plain", "text/html"];

const HEADERS = {
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
};

export interface IndexOptions extends TakeoverOptions {
  /** Whether the client's connection is encrypted: only the proxy's may be. */
  readonly isHttps: (context: Context) => boolean;
}

/** Answers `/`: the page for a client that accepts HTML, else a text. */
export function pageOrText(
  textOf: (origin: string) => string,
  options: IndexOptions,
): Handler {
  const page = sharedOf("page.html");
  return (c) => {
    const type = lenientTypeFor(c.req.header("accept"), TEXT_OR_PAGE);
    const acceptsHtml = type === "text/html";
    const { pathname, host, search } = new URL(c.req.url);
    c.header("vary", "accept", { append: true });
    if (!acceptsHtml) {
      const scheme = options.isHttps(c) ? "https" : "http";
      return c.text(textOf(`${scheme}://${host}`));
    }
    // Links in the page are relative to a path that ends with a slash.
    if (!pathname.endsWith("/")) {
      const last = pathname.slice(pathname.lastIndexOf("/") + 1);
      return c.redirect(`${last}/${search}`, 308);
    }
    return sendShared(c, page, { ...options, headers: HEADERS });
  };
}

/** The routes `/qanat.js`, `/qanat.d.ts` and `/page/…`. */
export function pageRoutes(options: TakeoverOptions): Hono {
  const app = new Hono();
  const files = new Map([...PAGE_FILES.keys()].map((n) => [n, sharedOf(n)]));
  // Its own modules lie below /page.
  const module = new SharedFile(
    PAGE_FILES.get("qanat.js")!.type,
    () => `export * from "./page/qanat.js";\n`,
  );
  const types = files.get("qanat.d.ts")!;
  const send = { ...options, headers: HEADERS };
  app.get("/qanat.js", documented(QANAT_JS), (c) => {
    return sendShared(c, module, send);
  });
  app.get("/qanat.d.ts", documented(QANAT_TYPES), (c) => {
    return sendShared(c, types, send);
  });
  app.get("/page/:file", documented(PAGE_FILE), (c) => {
    const name = c.req.param("file");
    const file = files.get(name);
    if (file) return sendShared(c, file, send);
    return problem("unknown_file", {
      detail: `The page has no file ${quoted(name)}`,
      param: "file",
    });
  });
  return app;
}

function sharedOf(name: string): SharedFile {
  const { text, type } = PAGE_FILES.get(name)!;
  return new SharedFile(type, () => text);
}
