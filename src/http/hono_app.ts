// The HTTP face: routes, CORS, problems for whatever has no route.
import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Context } from "hono";
import type { Qanat } from "../app.ts";
import { channelRoutes } from "./channel_routes.ts";
import { problem } from "./problem.ts";
import type { RawWriter } from "./raw_write.ts";
import { serviceRoutes } from "./service_routes.ts";
import { streamRoutes } from "./streams.ts";

/** Methods of each path, for 405. */
const METHODS: readonly [RegExp, string][] = [
  [/^\/v1\/(events|arrow)$/, "GET, HEAD, POST, OPTIONS"],
  [/^\/v1\/(channels(\/.+)?|status)$/, "GET, HEAD, OPTIONS"],
  [/^\/(healthz|readyz|metrics)?$/, "GET, HEAD, OPTIONS"],
];

export interface HonoAppOptions {
  readonly addressOf: (context: Context) => string;
  readonly alreadySent: Response | null;
  readonly rawWriter?: RawWriter | null;
}

/** All routes of an instance. */
export function honoApp(qanat: Qanat, options: HonoAppOptions): Hono {
  const { config, catalog, broadcast, log } = qanat;
  const app = new Hono();
  app.use(
    "*",
    cors({
      origin: config.corsOrigin,
      allowMethods: ["GET", "HEAD", "POST"],
      allowHeaders: ["content-type", "last-event-id"],
      exposeHeaders: ["retry-after"],
      maxAge: 86_400,
    }),
  );
  const routes = new Hono();
  routes.route(
    "/",
    channelRoutes(catalog, { isLive: (channel) => qanat.isLive(channel) }),
  );
  routes.route(
    "/",
    streamRoutes({
      catalog,
      broadcast,
      channelsMax: config.channelsMax,
      nowNs: () => qanat.nowNs(),
      addressOf: options.addressOf,
      alreadySent: options.alreadySent,
      rawWriter: options.rawWriter ?? null,
    }),
  );
  routes.route("/", serviceRoutes(qanat));
  app.route(config.basePath === "" ? "/" : config.basePath, routes);
  app.notFound((c) => {
    const path = new URL(c.req.url).pathname.slice(config.basePath.length);
    const known = METHODS.find(([pattern]) => pattern.test(path));
    if (!known) {
      return problem(404, {
        title: "Unknown path",
        detail: `There is nothing at '${path}'; '/' lists what there is`,
      });
    }
    const response = problem(405, {
      title: "Wrong method",
      detail: `'${path}' does not take ${c.req.method}; it takes ${known[1]}`,
    });
    response.headers.set("allow", known[1]);
    return response;
  });
  app.onError((error, c) => {
    log.error("request-failed", {
      path: c.req.path,
      error: error.stack ?? String(error),
    });
    return problem(500, {
      title: "Internal error",
      detail: "The request failed here; the log says why",
    });
  });
  return app;
}
