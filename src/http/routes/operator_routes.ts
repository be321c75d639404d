// The routes for operators: health, readiness, status, metrics, and the list of clients.
// Invariant: health and readiness answer everyone; all others only those whom `access` lets in.
import { Hono } from "hono";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { documented } from "../documents/api_document.ts";
import {
  HEALTHZ,
  METRICS,
  READYZ,
  STATUS,
} from "../documents/service_documents.ts";
import { isGone } from "../limits/request_limits.ts";
import type { RoutedService } from "../service.ts";
import { problem } from "../transport/problem.ts";
import { clientRoutes } from "./client_routes.ts";
import { jsonAnswerInSlices } from "./json_slices.ts";
import type { OperatorAccess } from "./operator_access.ts";

/** `/healthz`, `/readyz`, `/v1/status`, `/metrics`, `/v1/clients`. */
export function operatorRoutes(
  service: RoutedService,
  access: OperatorAccess,
): Hono {
  const app = new Hono();
  app.get("/healthz", documented(HEALTHZ), async (c) => {
    if (!service.hub.admission.isClosed) return c.json({ status: "ok" });
    const status = await access.isOperator(c) ? "draining" : "unavailable";
    return c.json({ status }, 503);
  });
  app.get("/readyz", documented(READYZ), async (c) => {
    const reasons = (service.process ?? service).notReady();
    if (reasons.length === 0) return c.json({ status: "ready" });
    return await access.isOperator(c)
      ? problem("not_ready", {
        detail: reasons.join("; "),
        reasons,
      })
      : problem("not_ready", {
        detail: "This instance is not ready; operators get the reasons",
      });
  });
  app.use("/v1/status", access.guard);
  app.get("/v1/status", documented(STATUS), async (c) => {
    const { process, requests } = service;
    const status = process ? await process.status() : service.statusInSlices();
    return requests.slices.run(statusAnswer(status), isGone(c));
  });
  app.use("/metrics", access.guard);
  app.get("/metrics", documented(METRICS), async () => {
    const { text, contentType } = await (service.process ?? service).metrics();
    return new Response(text, { headers: { "content-type": contentType } });
  });
  app.route("/", clientRoutes(service, access));
  return app;
}

function* statusAnswer(
  status: SlicedWork<Record<string, unknown>>,
): SlicedWork<Response> {
  return yield* jsonAnswerInSlices(yield* status);
}
