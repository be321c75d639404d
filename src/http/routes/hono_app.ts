// All routes of an instance below its base path, behind the checks of host and origin, with a problem as the answer to
// whatever has no route or fails.
import { type Context, Hono } from "hono";
import { CHANNEL_SCHEMAS } from "../documents/channel_schemas.ts";
import { SERVICE_SCHEMAS } from "../documents/status_schema.ts";
import { LimitError } from "../limits/limit_error.ts";
import { isOfGoneClient, URL_LENGTH_MAX } from "../limits/request_limits.ts";
import type { RoutedService } from "../service.ts";
import { traceFields } from "../../telemetry/request_trace.ts";
import { problem } from "../transport/problem.ts";
import type { RawWriter } from "../transport/raw_write.ts";
import {
  authenticateBy,
  authentication,
  catalogOf,
  rightsOf,
} from "./authentication.ts";
import { channelRoutes } from "./channel_routes.ts";
import { documentRoutes } from "./document_routes.ts";
import { hostCheck, HostRule } from "./host_rule.ts";
import { corsHeaders, originCheck, variesByOrigin } from "./origin_rule.ts";
import { requestIds, traceOf } from "./request_ids.ts";
import type { TakeoverOptions } from "./response_takeover.ts";
import { indexRoute, serviceRoutes } from "./service_routes.ts";
import { SessionCookie } from "./session_cookie.ts";
import { sessionRoutes } from "./session_routes.ts";
import { streamRoutes } from "./stream_routes.ts";
import { unknownPath } from "./unknown_path.ts";

/** Routes that need a credential where the instance asks for one. The page, its files and the documents do not. */
const PROTECTED = ["/v1/*", "/metrics"];

export interface HonoAppOptions {
  /** Address of the client; "" where it is not known. */
  readonly addressOf: (context: Context) => string;
  /** Whether the client's connection is encrypted. @default by the scheme of the request's address */
  readonly isHttps?: (context: Context) => boolean;
  /** What a handler returns when it has written the response itself; null where the server is not node:http. */
  readonly alreadySent: Response | null;
  readonly rawWriter?: RawWriter | null;
  /** Which hosts are answered. @default `--allowed-hosts`, or all where there are none */
  readonly hostRule?: HostRule;
  /** Makes the id of a request that comes with none. @default a random UUID */
  readonly newRequestId?: () => string;
}

/** The HTTP application of an instance. */
export function honoApp(
  service: RoutedService,
  options: HonoAppOptions,
): Hono {
  const { corsOrigin, allowedHosts, basePath, publicUrl } = service.config;
  const app = new Hono();
  const hostRule = options.hostRule ?? new HostRule({ host: "", allowedHosts });
  app.use("*", requestIds(options.newRequestId));
  app.use("*", hostCheck(hostRule, service.refusedHosts, basePath));
  app.use("*", originCheck(corsOrigin, service.refusedOrigins, publicUrl));
  app.use("*", corsHeaders(corsOrigin));
  app.use("*", (c, next) => {
    checkLength(c.req.url);
    return next();
  });
  const takeover = {
    alreadySent: options.alreadySent,
    variesByOrigin: variesByOrigin(corsOrigin),
  };
  const routes = routesOf(service, options, takeover);
  app.route(basePath === "" ? "/" : basePath, routes);
  if (basePath !== "") {
    app.get(`${basePath}/`, indexRoute(service, takeover));
  }
  app.notFound(unknownPath(routes, basePath));
  app.onError((error, c) => failed(error, c, service));
  return app;
}

function routesOf(
  service: RoutedService,
  options: HonoAppOptions,
  takeover: TakeoverOptions,
): Hono {
  const { access, config, requests } = service;
  const routes = new Hono();
  const cookie = new SessionCookie({
    ...config,
    addressOf: options.addressOf,
    isHttps: options.isHttps ?? ((c) => c.req.url.startsWith("https:")),
  });
  const authenticate = authenticateBy(access, cookie);
  // Before the protected ones: they answer those whose credential is not valid any more, too.
  routes.route("/", sessionRoutes({ access, authenticate, cookie }));
  const protect = authentication(authenticate, service);
  for (const path of PROTECTED) routes.use(path, protect);
  routes.route(
    "/",
    channelRoutes({
      catalogOf,
      isLive: (channel) => service.isLive(channel),
      limits: requests,
    }),
  );
  routes.route(
    "/",
    streamRoutes({
      ...takeover,
      catalogOf,
      rightsOf: (c, channels) => rightsOf(c, channels, service),
      hub: service.hub,
      channelsMax: config.channelsMax,
      limits: requests,
      nowNs: () => service.nowNs(),
      addressOf: options.addressOf,
      rawWriter: options.rawWriter ?? null,
    }),
  );
  routes.route("/", serviceRoutes(service, takeover));
  routes.route(
    "/",
    documentRoutes(routes, {
      ...takeover,
      basePath: config.basePath,
      schemas: { ...CHANNEL_SCHEMAS, ...SERVICE_SCHEMAS },
    }),
  );
  return routes;
}

/** Throws {@linkcode LimitError} for an address that is too long. */
function checkLength({ length }: string): void {
  if (length <= URL_LENGTH_MAX) return;
  throw new LimitError("url", {
    title: "Address too long",
    detail:
      `The address has ${length} characters, at most ${URL_LENGTH_MAX} are allowed; ` +
      `send a long list of channels as JSON with POST`,
  });
}

/** The answer to a request whose handler has thrown. */
function failed(
  error: Error,
  c: Context,
  { requests, log }: RoutedService,
): Response {
  if (error instanceof LimitError) return requests.refuse(error);
  if (isOfGoneClient(c, error)) {
    requests.aborted++;
    log.debug("request-aborted", {
      path: c.req.path,
      ...traceFields(traceOf(c)),
    });
    return new Response(null, { status: 499 });
  }
  log.error("request-failed", {
    path: c.req.path,
    error: error.stack ?? String(error),
    ...traceFields(traceOf(c)),
  });
  return problem(500, {
    title: "Internal error",
    detail: "The server failed to answer the request; its log has the reason",
  });
}
