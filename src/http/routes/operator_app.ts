// The HTTP application of the port for operators: their routes and nothing else.
import type { Context, Hono } from "hono";
import type { RoutedService } from "../service.ts";
import { authenticateBy, hasCredential } from "./authentication.ts";
import type { NameRemedy } from "../limits/refused_names.ts";
import { checkedApp } from "./checked_app.ts";
import { problemsRoute } from "./document_routes.ts";
import { allowedHostsRemedy, HostRule } from "./host_rule.ts";
import { ownPortAccess } from "./operator_access.ts";
import { operatorRoutes } from "./operator_routes.ts";

const OPERATOR_INDEX = `Qanat: the port for operators

  /metrics                  for Prometheus
  /v1/status                partitions, clients and memory as JSON
  /v1/clients               who reads what; DELETE /v1/clients/ID ends a stream
  /healthz, /readyz         whether this instance runs, and is ready
`;

/**
 * `--allowed-hosts` without `*`: that is meant for clients behind a proxy. Here, on loopback, it would let any web page
 * read the routes and end streams, by DNS rebinding.
 */
export function operatorHostRule(
  { operatorHost, allowedHosts }: {
    readonly operatorHost: string;
    readonly allowedHosts: readonly string[];
  },
): HostRule {
  return new HostRule({
    host: operatorHost,
    allowedHosts: allowedHosts.filter((host) => host !== "*"),
  });
}

/** `--allowed-hosts` is no advice on loopback: it would change who reaches the port for clients, which may answer all. */
const USE_LOOPBACK: NameRemedy = {
  hint:
    ": this is the port for operators. Call it by the host 127.0.0.1 or localhost, from other machines through an SSH " +
    "tunnel",
  fields: {
    port: "operators",
    remedy: "call this port by the host 127.0.0.1 or localhost",
  },
};
/** Nothing would. */
const NO_PAGES: NameRemedy = { hint: "", fields: { port: "operators" } };

export interface OperatorAppOptions {
  readonly hostRule: HostRule;
  /** Address of the client; "" where it is not known. */
  readonly addressOf: (context: Context) => string;
  /** Makes the id of a request that comes with none. */
  readonly newRequestId: () => string;
}

/** No page of another origin may use it, whatever --cors-origin and --public-url say. */
export function operatorApp(
  service: RoutedService,
  { hostRule, addressOf, newRequestId }: OperatorAppOptions,
): Hono {
  const { access, config: { allowedHosts, basePath } } = service;
  const routes = operatorRoutes(
    service,
    ownPortAccess({
      access,
      // A session belongs to the page, which is on the other port.
      authenticate: authenticateBy({ access, cookie: null, addressOf }),
      hasCredential: (c) => hasCredential(c, access, null),
      isLoopback: () => hostRule.isLoopback,
    }),
  );
  routes.get("/", (c) => c.text(OPERATOR_INDEX));
  routes.route("/", problemsRoute({ alreadySent: null, variesByOrigin: true }));
  const app = checkedApp(service, {
    hostRule,
    newRequestId,
    corsOrigin: [],
    publicUrl: "",
    hostRemedy: (host) =>
      hostRule.isLoopback
        ? USE_LOOPBACK
        : allowedHostsRemedy(allowedHosts, host),
    originRemedy: () => NO_PAGES,
    routes,
  });
  if (basePath !== "") {
    app.get(`${basePath}/`, (c) => c.text(OPERATOR_INDEX));
  }
  return app;
}
