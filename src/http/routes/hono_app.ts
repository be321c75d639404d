// The HTTP face: routes, CORS, problems for whatever has no route.
import { Hono } from "hono";
import type { Context } from "hono";
import type { Qanat } from "../../app.ts";
import { channelRoutes } from "./channel_routes.ts";
import { CHANNEL_SCHEMAS } from "../documents/channel_schemas.ts";
import { documentRoutes } from "./document_routes.ts";
import { hostCheck, HostRule } from "./host_rule.ts";
import { LimitError } from "../limits/limit_error.ts";
import { corsHeaders, originCheck, variesByOrigin } from "./origin_rule.ts";
import { problem, quoted } from "../transport/problem.ts";
import type { RawWriter } from "../transport/raw_write.ts";
import { isOfGoneClient, URL_LENGTH_MAX } from "../limits/request_limits.ts";
import { SERVICE_SCHEMAS } from "../documents/status_schema.ts";
import { indexRoute, serviceRoutes } from "./service_routes.ts";
import { streamRoutes } from "./streams.ts";

export interface HonoAppOptions {
  readonly addressOf: (context: Context) => string;
  readonly alreadySent: Response | null;
  readonly rawWriter?: RawWriter | null;
  /** Which hosts are answered. @default `--allowed-hosts`, or all where there are none */
  readonly hostRule?: HostRule;
}

/** All routes of an instance. */
export function honoApp(qanat: Qanat, options: HonoAppOptions): Hono {
  const { config, catalog, hub, log } = qanat;
  const app = new Hono();
  const { corsOrigin, allowedHosts, basePath } = config;
  const hostRule = options.hostRule ??
    new HostRule({ host: "", allowedHosts });
  app.use("*", hostCheck(hostRule, qanat.refusedHosts, basePath));
  app.use("*", originCheck(corsOrigin, qanat.refusedOrigins));
  app.use("*", corsHeaders(corsOrigin));
  const shared = {
    alreadySent: options.alreadySent,
    variesByOrigin: variesByOrigin(corsOrigin),
  };
  app.use("*", async (c, next) => {
    const { length } = c.req.url;
    if (length <= URL_LENGTH_MAX) return await next();
    throw new LimitError("url", {
      title: "Address too long",
      detail:
        `The address has ${length} characters, at most ${URL_LENGTH_MAX} are allowed; ` +
        `POST a long list of channels as JSON`,
    });
  });
  const routes = new Hono();
  routes.route(
    "/",
    channelRoutes(catalog, {
      isLive: (channel) => qanat.isLive(channel),
      limits: qanat.requests,
    }),
  );
  routes.route(
    "/",
    streamRoutes({
      catalog,
      hub,
      channelsMax: config.channelsMax,
      limits: qanat.requests,
      nowNs: () => qanat.nowNs(),
      addressOf: options.addressOf,
      alreadySent: options.alreadySent,
      variesByOrigin: shared.variesByOrigin,
      rawWriter: options.rawWriter ?? null,
    }),
  );
  routes.route("/", serviceRoutes(qanat, shared));
  routes.route(
    "/",
    documentRoutes(routes, {
      basePath: config.basePath,
      schemas: { ...CHANNEL_SCHEMAS, ...SERVICE_SCHEMAS },
      ...shared,
    }),
  );
  const methods = methodsOf(routes);
  app.route(config.basePath === "" ? "/" : config.basePath, routes);
  if (config.basePath !== "") {
    app.get(`${config.basePath}/`, indexRoute(qanat, shared));
  }
  app.notFound((c) => {
    const { basePath } = config;
    const { pathname } = new URL(c.req.url);
    const isBelow = pathname.startsWith(basePath + "/");
    const path = isBelow ? pathname.slice(basePath.length) : pathname;
    const known = isBelow &&
      methods.find(([pattern]) => pattern.test(path));
    if (!known) {
      return problem(404, {
        title: "Unknown path",
        detail: `There is nothing at ${
          quoted(path)
        }; '${basePath}/' lists what there is`,
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
    if (error instanceof LimitError) return qanat.requests.refuse(error);
    if (isOfGoneClient(c, error)) {
      qanat.requests.aborted++;
      log.debug("request-aborted", { path: c.req.path });
      return new Response(null, { status: 499 });
    }
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

/** Methods of each path, for 405. */
function methodsOf(routes: Hono): (readonly [RegExp, string])[] {
  const found = new Map<string, Set<string>>();
  for (const { path, method } of routes.routes) {
    if (method === "ALL") continue; // middleware
    const methods = found.get(path) ?? new Set();
    if (method === "GET") methods.add("GET").add("HEAD");
    found.set(path, methods.add(method));
  }
  return [...found].map(([path, methods]) => {
    const pattern = path.replaceAll(".", "\\.").replace(/:\w+/g, "[^/]+");
    return [new RegExp(`^${pattern}$`), [...methods, "OPTIONS"].join(", ")];
  });
}
