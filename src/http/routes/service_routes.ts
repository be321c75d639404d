// The page, the index as text, the server's clock, and its version.
import { type Handler, Hono } from "hono";
import { documented } from "../documents/api_document.ts";
import { type IndexOptions, pageOrText, pageRoutes } from "./page_routes.ts";
import { API_VERSION, buildOf, runtimeOf } from "../../telemetry/build_info.ts";
import type { RoutedService } from "../service.ts";
import { INDEX, TIME, VERSION_ROUTE } from "../documents/service_documents.ts";

/** `/v1/time`, `/v1/version`, and `/` with the files of its page. */
export function serviceRoutes(
  service: RoutedService,
  options: IndexOptions,
): Hono {
  const app = new Hono();
  app.get("/v1/time", documented(TIME), (c) => {
    c.header("cache-control", "no-store");
    const { timeNs, unixMs } = service.now();
    return c.json({ time_ns: String(timeNs), unix_ms: unixMs });
  });
  const version = {
    ...buildOf(service.config),
    runtime: runtimeOf(),
    api: API_VERSION,
  };
  app.get("/v1/version", documented(VERSION_ROUTE), (c) => {
    c.header("cache-control", "no-store");
    return c.json(version);
  });
  app.get("/", documented(INDEX), indexRoute(service, options));
  app.route("/", pageRoutes(options));
  return app;
}

/** Answers `/`: the page, or the index as text. */
export function indexRoute(
  service: RoutedService,
  options: IndexOptions,
): Handler {
  return pageOrText((origin) => indexText(origin, service), options);
}

function indexText(origin: string, service: RoutedService): string {
  const base = origin + service.config.basePath;
  return `Qanat: live time series over HTTP

  ${base}/                            the page, in a browser
  ${base}/v1/channels                 channels as JSON (match=, type=, min_rate=, max_rate=, publisher=, replay=)
  ${base}/v1/channels/count           number of channels (same filters)
  ${base}/v1/replays                  replay contexts that have channels
  ${base}/v1/events?channels=A,B      Server-Sent Events
  ${base}/v1/arrow?channels=A,B       Arrow IPC stream
  ${base}/v1/data?channels=A,B        a range with an end (start=-60&end=now), as CSV, ndjson or for gwpy (format=)
  ${base}/v1/latest?channels=A,B      the newest row, once, as JSON or Arrow
  ${base}/v1/time                     the server's time
  ${base}/v1/version                  the server's version
  ${base}/docs                        the whole API as a page; /openapi.json, /asyncapi.json for programs
  ${base}/qanat.js                    a JavaScript module for your own page
  ${base}/v1/status, /v1/clients      partitions, memory, and who reads what, for operators
  ${base}/healthz, /readyz, /metrics  for operators
`;
}
