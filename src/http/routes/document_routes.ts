// The API's own documents: /openapi.json, /asyncapi.json, and /docs, a page that shows the first one.
// Invariant: the page loads everything from this host, and works under a policy that allows scripts and styles from
// 'self' only.
import { Hono } from "hono";
import {
  documented,
  openApiOf,
  type OpenApiOptions,
} from "../documents/api_document.ts";
import { asyncApiOf } from "../documents/async_api.ts";
import { problemsPage } from "../documents/problems_page.ts";
import { problem, quoted } from "../transport/problem.ts";
import { PROBLEMS_PATH } from "../transport/problem_codes.ts";
import { sendShared, SharedFile } from "./shared_file.ts";
import type { TakeoverOptions } from "./response_takeover.ts";
import {
  ASYNCAPI,
  DOCS,
  DOCS_FILE,
  OPENAPI,
  PROBLEMS,
} from "../documents/page_documents.ts";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Qanat: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<main id="api"></main>
<footer><a href="docs/problems">problems</a> <a href="docs/licences.txt">licences</a></footer>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`;

/** Streams that are tried out on the page end after two seconds, as the page waits for the whole body. */
const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor(request) {
    const url = new URL(request.url, location.href);
    const isStream = /\\/v1\\/(events|arrow)$/.test(url.pathname);
    if (isStream && request.method === "GET" && !/[?&](end|duration)=/.test(url.search)) {
      url.searchParams.set("duration", "2");
      request.url = url.href;
    }
    return request;
  },
});
`;

/**
 * What the page needs, loaded on the first request. scripts/make_libraries.ts writes the library; it lies in the
 * repository, so that no start fetches it and /docs needs no other host.
 */
const FILES: Readonly<
  Record<string, readonly [string, () => Promise<string>]>
> = {
  "start.js": ["text/javascript", () => Promise.resolve(START)],
  "swagger-ui-bundle.js": [
    "text/javascript",
    async () =>
      (await import("../documents/lib/swagger-ui-bundle.js", {
        with: { type: "text" },
      })).default,
  ],
  "swagger-ui.css": [
    "text/css",
    async () =>
      (await import("../documents/lib/swagger-ui.css", {
        with: { type: "text" },
      })).default,
  ],
  "licences.txt": [
    "text/plain",
    async () =>
      (await import("../documents/lib/licences.txt", {
        with: { type: "text" },
      })).default,
  ],
};

/** The page that the types of problems point at; the port for operators has it, too. */
export function problemsRoute(options: TakeoverOptions): Hono {
  const page = new SharedFile("text/html; charset=utf-8", problemsPage);
  const headers = {
    "content-security-policy": POLICY,
    "cache-control": "no-cache",
  };
  return new Hono().get(PROBLEMS_PATH, documented(PROBLEMS), (c) => {
    return sendShared(c, page, { ...options, headers });
  });
}

/** The routes of the documents that describe `routes`; mount them in `routes`, so that they are described, too. */
export function documentRoutes(
  routes: Hono,
  options: OpenApiOptions & TakeoverOptions,
): Hono {
  const openApi = new SharedFile(
    "application/json",
    () => JSON.stringify(openApiOf(routes, options)),
  );
  const files = new Map(
    Object.entries(FILES).map(([name, [type, read]]) => [
      name,
      new SharedFile(`${type}; charset=utf-8`, read),
    ]),
  );
  const app = new Hono();
  app.get("/openapi.json", documented(OPENAPI), (c) => {
    return sendShared(c, openApi, { ...options, headers: {} });
  });
  app.get("/asyncapi.json", documented(ASYNCAPI), (c) => {
    const { host, protocol } = new URL(c.req.url);
    return c.json(asyncApiOf({ host, protocol, pathname: options.basePath }));
  });
  app.get("/docs", documented(DOCS), (c) => {
    c.header("content-security-policy", POLICY);
    return c.html(PAGE);
  });
  app.route("/", problemsRoute(options));
  app.get("/docs/:file", documented(DOCS_FILE), (c) => {
    const name = c.req.param("file");
    const file = files.get(name);
    if (!file) {
      return problem("unknown_file", {
        detail: `The page /docs has no file ${quoted(name)}`,
        param: "file",
      });
    }
    const headers = { "cache-control": "public, max-age=3600" };
    return sendShared(c, file, { ...options, headers });
  });
  return app;
}
