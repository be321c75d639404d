// Routes behind the checks that each request has to pass, with a problem as the answer to whatever has no route or fails.
import { type Context, Hono } from "hono";
import { traceFields } from "../../telemetry/request_trace.ts";
import { checkAcceptLists } from "../limits/accept_lists.ts";
import { LimitError } from "../limits/limit_error.ts";
import type { NameRemedy } from "../limits/refused_names.ts";
import { isOfGoneClient, URL_LENGTH_MAX } from "../limits/request_limits.ts";
import type { RoutedService } from "../service.ts";
import { answerCounting } from "./answer_counting.ts";
import { docsBaseOf, problem } from "../transport/problem.ts";
import { allowedHostsRemedy, hostCheck, HostRule } from "./host_rule.ts";
import { corsHeaders, corsOriginRemedy, originCheck } from "./origin_rule.ts";
import { errorEvents } from "./error_events.ts";
import { requestIds, traceOf } from "./request_ids.ts";
import { unknownPath } from "./unknown_path.ts";

export interface CheckedAppOptions {
  /** Which hosts are answered. @default `--allowed-hosts`, or all where there are none */
  readonly hostRule?: HostRule | undefined;
  /** Makes the id of a request that comes with none. @default a random UUID */
  readonly newRequestId?: (() => string) | undefined;
  /** Other origins whose pages may read. */
  readonly corsOrigin: readonly string[];
  /** The address of the instance's own page; "" for none. */
  readonly publicUrl: string;
  /** What would allow a host. @default `--allowed-hosts` */
  readonly hostRemedy?: (host: string) => NameRemedy;
  /** What would allow the origin of a page. @default `--cors-origin` */
  readonly originRemedy?: (origin: string) => NameRemedy;
  /** They lie below the base path. */
  readonly routes: Hono;
}

/** Routes behind the checks that each request has to pass. */
export function checkedApp(
  service: RoutedService,
  options: CheckedAppOptions,
): Hono {
  const { allowedHosts, basePath } = service.config;
  const { corsOrigin, publicUrl, routes } = options;
  const app = new Hono();
  const hostRule = options.hostRule ?? new HostRule({ host: "", allowedHosts });
  // Before the counting: a problem counts with its own status.
  app.use(`${basePath}/v1/events`, errorEvents());
  app.use("*", answerCounting(service.requests.answered, basePath));
  app.use(
    "*",
    requestIds({
      newId: options.newRequestId,
      docsBase: docsBaseOf({ basePath, publicUrl }),
    }),
  );
  app.use(
    "*",
    hostCheck(hostRule, service.refusedHosts, {
      basePath,
      remedyOf: options.hostRemedy ??
        ((host) => allowedHostsRemedy(allowedHosts, host)),
    }),
  );
  app.use(
    "*",
    originCheck(corsOrigin, service.refusedOrigins, {
      publicUrl,
      remedyOf: options.originRemedy ??
        ((origin) => corsOriginRemedy(corsOrigin, origin)),
    }),
  );
  app.use("*", corsHeaders(corsOrigin));
  app.use("*", (c, next) => {
    checkLength(c.req.url);
    checkAcceptLists((name) => c.req.header(name));
    return next();
  });
  app.route(basePath === "" ? "/" : basePath, routes);
  app.notFound(unknownPath(routes, basePath));
  app.onError((error, c) => failed(error, c, service));
  return app;
}

/** Throws {@linkcode LimitError} for an address that is too long. */
function checkLength({ length }: string): void {
  if (length <= URL_LENGTH_MAX) return;
  throw new LimitError("url", {
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
  return problem("internal_error", {
    detail: "The server failed to answer the request; its log has the reason",
  });
}
