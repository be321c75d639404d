// The page and what it loads, from memory: content types, ETag, a strict Content-Security-Policy.
// Invariant: curl and everything else that does not ask for HTML gets the index as text.
import { Hono } from "hono";
import type { Context, Handler } from "hono";
import { compress } from "hono/compress";
import { PAGE_FILES, type PageFile } from "../page/page_files.ts";
import { documented } from "./api_document.ts";
import { problem } from "./problem.ts";
import { PAGE_FILE, QANAT_JS, QANAT_TYPES } from "./service_documents.ts";

/** No inline script or style, nothing from elsewhere, in nobody's frame. */
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

/** What a browser gets at `/`; anything that asks for no HTML gets the text. */
export function pageOrText(textOf: (origin: string) => string): Handler {
  return (c) => {
    const wantsHtml = (c.req.header("accept") ?? "").includes("text/html");
    const { pathname, origin, search } = new URL(c.req.url);
    c.header("vary", "accept");
    if (!wantsHtml) return c.text(textOf(origin));
    // Addresses in the page are relative to a slash.
    if (!pathname.endsWith("/")) {
      const last = pathname.slice(pathname.lastIndexOf("/") + 1);
      return c.redirect(`${last}/${search}`, 308);
    }
    return answer(c, PAGE_FILES.get("page.html")!);
  };
}

/** `/qanat.js`, `/qanat.d.ts`, `/page/…`. */
export function pageRoutes(): Hono {
  const app = new Hono();
  // Its modules are beside it, under /page.
  const module = {
    text: `export * from "./page/qanat.js";\n`,
    type: PAGE_FILES.get("qanat.js")!.type,
  };
  app.get("/qanat.js", documented(QANAT_JS), (c) => answer(c, module));
  app.use("/qanat.d.ts", compress());
  app.get(
    "/qanat.d.ts",
    documented(QANAT_TYPES),
    (c) => answer(c, PAGE_FILES.get("qanat.d.ts")!),
  );
  app.use("/page/:file", compress());
  app.get("/page/:file", documented(PAGE_FILE), (c) => {
    const name = c.req.param("file");
    const file = PAGE_FILES.get(name);
    if (file) return answer(c, file);
    return problem(404, {
      title: "Unknown file",
      detail: `The page has no '${name}'`,
    });
  });
  return app;
}

const tags = new WeakMap<PageFile, Promise<string>>();

async function answer(c: Context, file: PageFile): Promise<Response> {
  let tag = tags.get(file);
  if (!tag) tags.set(file, tag = tagOf(file.text));
  const etag = await tag;
  c.header("etag", etag);
  c.header("cache-control", "no-cache");
  if (isListed(etag, c.req.header("if-none-match") ?? "")) {
    return c.body(null, 304);
  }
  c.header("content-type", file.type);
  c.header("x-content-type-options", "nosniff");
  c.header("content-security-policy", POLICY);
  c.header("referrer-policy", "no-referrer");
  return c.body(file.text);
}

/** Whether an `If-None-Match` names a tag, weak or strong. One pass: an expression over blanks was quadratic. */
function isListed(etag: string, list: string): boolean {
  return list.split(",").some((item) => {
    const tag = item.trim();
    return (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
  });
}

async function tagOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return `"${new Uint8Array(hash).toHex().slice(0, 24)}"`;
}
