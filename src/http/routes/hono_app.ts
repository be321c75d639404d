// All routes of an instance on its port for clients.
import { type Context, type Handler, Hono } from "hono";
import type { ServerResponse } from "node:http";
import type { Outlet } from "../../clients/outlet.ts";
import { CHANNEL_SCHEMAS } from "../documents/channel_schemas.ts";
import { SERVICE_SCHEMAS } from "../documents/status_schema.ts";
import type { RoutedService } from "../service.ts";
import {
  authenticateBy,
  authentication,
  catalogOf,
  denied,
  hasCredential,
  principalOf,
  renewedAccess,
  rightsOf,
} from "./authentication.ts";
import { channelRoutes } from "./channel_routes.ts";
import { checkedApp } from "./checked_app.ts";
import { documentRoutes } from "./document_routes.ts";
import type { HostRule } from "./host_rule.ts";
import { latestRoutes } from "./latest_routes.ts";
import { variesByOrigin } from "./origin_rule.ts";
import { sharedPortAccess } from "./operator_access.ts";
import { operatorRoutes } from "./operator_routes.ts";
import { relayRoutes } from "./relay_routes.ts";
import { replayRoutes } from "./replay_routes.ts";
import type { IndexOptions } from "./page_routes.ts";
import { indexRoute, serviceRoutes } from "./service_routes.ts";
import { SessionCookie } from "./session_cookie.ts";
import { sessionRoutes } from "./session_routes.ts";
import { streamRoutes } from "./stream_routes.ts";
import { nothingAt } from "./unknown_path.ts";

/**
 * Routes that need a credential where the instance asks for one. The page, its files and the documents do not; those for
 * operators have rules of their own.
 */
const PROTECTED = ["/v1/*"];

export interface HonoAppOptions {
  /** Address of the client; "" where it is not known. */
  readonly addressOf: (context: Context) => string;
  /** Whether the client's connection is encrypted. @default by the scheme of the request's address */
  readonly isHttps?: (context: Context) => boolean;
  /** What a handler returns when it has written the response itself; null where the server is not node:http. */
  readonly alreadySent: Response | null;
  /**
   * Makes the outlet of a stream on node's response. The routes themselves import nothing of node's server, so that edge
   * runtimes can load them. @default streams are the bodies of responses
   */
  readonly socketOutlet?: (outgoing: ServerResponse) => Outlet;
  /** Aborts when the client disconnects, for runtimes that do not cancel the body then. */
  readonly leftSignalOf?: (context: Context) => AbortSignal | undefined;
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
  const { corsOrigin, basePath, publicUrl } = service.config;
  const takeover = {
    alreadySent: options.alreadySent,
    variesByOrigin: variesByOrigin(corsOrigin),
    isHttps: options.isHttps ??
      ((c: Context) => c.req.url.startsWith("https:")),
  };
  const routes = routesOf(service, options, takeover);
  const app = checkedApp(service, {
    ...options,
    corsOrigin,
    publicUrl,
    routes,
  });
  if (basePath !== "") {
    app.get(`${basePath}/`, indexRoute(service, takeover));
  }
  return app;
}

function routesOf(
  service: RoutedService,
  options: HonoAppOptions,
  takeover: IndexOptions,
): Hono {
  const { access, config, requests } = service;
  const routes = new Hono();
  const cookie = new SessionCookie({
    ...config,
    addressOf: options.addressOf,
    isHttps: takeover.isHttps,
  });
  const authenticate = authenticateBy({ access, cookie, ...options });
  const operators = sharedPortAccess({
    access,
    authenticate,
    hasCredential: (c) => hasCredential(c, access, cookie),
    hidden: config.operatorPort === 0 ? null : hiddenPath(config.basePath),
  });
  routes.route("/", operatorRoutes(service, operators));
  // Before the protected ones: they answer those whose credential is not valid any more, too.
  routes.route("/", sessionRoutes({ access, authenticate, cookie }));
  const protect = authentication(authenticate, service);
  for (const path of PROTECTED) routes.use(path, protect);
  const { channelStates } = service;
  const lists = { catalogOf, channelStates, limits: requests };
  routes.route("/", channelRoutes(lists));
  routes.route("/", replayRoutes(lists));
  if (service.feeds.isServing) routes.route("/", blocks(service, options));
  const streams = {
    ...takeover,
    catalogOf,
    rightsOf: (c: Context) => rightsOf(c, service),
    renewedAccess: (c: Context) => renewedAccess(c, service),
    ...limitsOf(service),
    nowNs: () => service.now().timeNs,
    channelStates,
    caching: cachingOf(service),
    addressOf: options.addressOf,
    socketOutlet: options.socketOutlet ?? null,
    leftSignalOf: options.leftSignalOf,
  };
  routes.route("/", streamRoutes(streams));
  routes.route("/", latestRoutes(streams));
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

function limitsOf({ config: { channelsMax }, hub, requests }: RoutedService) {
  return { channelsMax, hub, limits: requests };
}

function cachingOf({ access, config }: RoutedService) {
  const { cacheKey, cacheMaxAgeS, retryMs } = config;
  return { cacheKey, cacheMaxAgeS, retryMs, isPublic: access.isOpen };
}

/** The routes for relays. */
function blocks(service: RoutedService, options: HonoAppOptions): Hono {
  const { access, feeds, requests } = service;
  return relayRoutes({
    feeds,
    limits: requests,
    catalogOf,
    principalOf,
    rightsOf: (c) => rightsOf(c, service),
    denied: (denial) => denied(access.deny(denial)),
    addressOf: options.addressOf,
    unixMs: access.unixMs,
  });
}

/** Answers as if there were no such route. */
function hiddenPath(basePath: string): Handler {
  return (c) => nothingAt(c.req.path.slice(basePath.length), basePath);
}
