// The routes for operators (health, readiness, status, metrics), the page, and the index as text.
import { type Handler, Hono } from "hono";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { documented } from "../documents/api_document.ts";
import { jsonInSlices } from "./json_slices.ts";
import { pageOrText, pageRoutes } from "./page_routes.ts";
import { problem } from "../transport/problem.ts";
import { isGone } from "../limits/request_limits.ts";
import type { RoutedService } from "../service.ts";
import type { TakeoverOptions } from "./response_takeover.ts";
import {
  HEALTHZ,
  INDEX,
  METRICS,
  READYZ,
  STATUS,
} from "../documents/service_documents.ts";

/** `/healthz`, `/readyz`, `/v1/status`, `/metrics`, and `/` with the files of its page. */
export function serviceRoutes(
  service: RoutedService,
  options: TakeoverOptions,
): Hono {
  const app = new Hono();
  app.get(
    "/healthz",
    documented(HEALTHZ),
    (c) =>
      c.json({ status: service.hub.admission.isClosed ? "draining" : "ok" }),
  );
  app.get("/readyz", documented(READYZ), (c) => {
    const reasons = service.notReady();
    return reasons.length === 0 ? c.json({ status: "ready" }) : problem(503, {
      title: "Not ready",
      detail: reasons.join("; "),
      reasons,
    });
  });
  app.get(
    "/v1/status",
    documented(STATUS),
    (c) => service.requests.slices.run(statusAnswer(service), isGone(c)),
  );
  app.get("/metrics", documented(METRICS), async () => {
    const { text, contentType } = await service.metrics();
    return new Response(text, { headers: { "content-type": contentType } });
  });
  app.get("/", documented(INDEX), indexRoute(service, options));
  app.route("/", pageRoutes(options));
  return app;
}

function* statusAnswer(service: RoutedService): SlicedWork<Response> {
  const text = yield* jsonInSlices(yield* service.statusInSlices());
  return new Response(text, {
    headers: { "content-type": "application/json" },
  });
}

/** Answers `/`: the page, or the index as text. */
export function indexRoute(
  service: RoutedService,
  options: TakeoverOptions,
): Handler {
  return pageOrText((origin) => indexText(origin, service), options);
}

function indexText(origin: string, service: RoutedService): string {
  const base = origin + service.config.basePath;
  return `Qanat: live time series over HTTP

  ${base}/                            the page, in a browser
  ${base}/v1/channels                 channels as JSON (match=, type=, min_rate=, max_rate=, publisher=, replay=)
  ${base}/v1/channels/count           number of channels (same filters)
  ${base}/v1/events?channels=A,B      Server-Sent Events
  ${base}/v1/arrow?channels=A,B       Arrow IPC stream
  ${base}/docs                        the whole API as a page; /openapi.json, /asyncapi.json for programs
  ${base}/qanat.js                    a JavaScript module for your own page
  ${base}/v1/status                   partitions, clients and memory as JSON
  ${base}/healthz, /readyz, /metrics  for operators
`;
}
