// The routes that show who reads what, and end one stream: GET /v1/clients and DELETE /v1/clients/{id}.
import { type Context, Hono } from "hono";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { clientOf, type ClientsQuery } from "../../clients/client_search.ts";
import type { GroupClient } from "../../clients/selection_group.ts";
import { traceFields } from "../../telemetry/request_trace.ts";
import { documented } from "../documents/api_document.ts";
import {
  CLIENT_DOCUMENT,
  CLIENT_ID_LENGTH_MAX,
  CLIENTS_DOCUMENT,
  CLIENTS_LIMIT_DEFAULT,
  CLIENTS_LIMIT_MAX,
  CLIENTS_QUERY,
  OWNER_LENGTH_MAX,
} from "../documents/client_documents.ts";
import { isGone } from "../limits/request_limits.ts";
import type { RoutedService } from "../service.ts";
import { badRequest, problem, quoted } from "../transport/problem.ts";
import { jsonAnswerInSlices } from "./json_slices.ts";
import type { OperatorAccess } from "./operator_access.ts";
import { wrongParameter } from "./query_names.ts";
import { textOf } from "./query_values.ts";
import { traceOf } from "./request_ids.ts";

const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

/** Both routes, behind `clientsGuard`. */
export function clientRoutes(
  service: RoutedService,
  { clientsGuard, nameOf }: OperatorAccess,
): Hono {
  const app = new Hono();
  const { slices } = service.requests;
  app.use("/v1/clients", clientsGuard);
  app.use("/v1/clients/:id", clientsGuard);
  app.get("/v1/clients", documented(CLIENTS_DOCUMENT), (c) => {
    const query = new URL(c.req.url).searchParams;
    const wrong = wrongParameter(query, Object.keys(CLIENTS_QUERY));
    if (wrong !== null) return wrong;
    const limit = wholeOf(query, "limit", {
      preset: CLIENTS_LIMIT_DEFAULT,
      min: 1,
      max: CLIENTS_LIMIT_MAX,
    });
    if (limit instanceof Response) return limit;
    const after = wholeOf(query, "after", {
      preset: 0,
      min: 0,
      max: NUMBER_MAX,
    });
    if (after instanceof Response) return after;
    const owner = textOf(query, "owner", OWNER_LENGTH_MAX) || undefined;
    const address = textOf(query, "address", OWNER_LENGTH_MAX) || undefined;
    const work = listed(service, { limit, after, owner, address });
    return slices.run(work, isGone(c));
  });
  app.delete("/v1/clients/:id", documented(CLIENT_DOCUMENT), (c) => {
    const id = c.req.param("id");
    if (id.length > CLIENT_ID_LENGTH_MAX) return unknown(id);
    const end = (client: GroupClient) => {
      logEnd(c, client, nameOf(c), service);
      service.hub.lifecycle.end(client, "closed-by-operator");
    };
    return slices.run(ended(service, id, end), isGone(c));
  });
  return app;
}

function* listed(
  service: RoutedService,
  query: ClientsQuery,
): SlicedWork<Response> {
  const list = yield* service.clientsInSlices(query);
  return yield* jsonAnswerInSlices(list, { "cache-control": "no-store" });
}

function* ended(
  { hub: { lifecycle } }: RoutedService,
  id: string,
  end: (client: GroupClient) => void,
): SlicedWork<Response> {
  yield 1;
  const client = yield* clientOf(lifecycle.clients(), id);
  if (client === null || client.ended !== null) return unknown(id);
  end(client);
  return new Response(null, { status: 204 });
}

/** Who has ended whose stream. */
function logEnd(
  c: Context,
  { id, options }: GroupClient,
  operator: string,
  { log }: RoutedService,
): void {
  log.info("client-closed-by-operator", {
    operator,
    ...traceFields(traceOf(c)),
    client: id,
    client_address: options.address,
    client_owner: options.rights?.owner ?? null,
    client_request_id: options.trace?.requestId ?? null,
  });
}

function unknown(id: string): Response {
  return problem(404, {
    title: "Unknown client",
    detail: `No open stream has the id ${quoted(id)}; it may have ended. ` +
      "/v1/clients lists those that are open",
  });
}

function wholeOf(
  query: URLSearchParams,
  name: string,
  { preset, min, max }: {
    readonly preset: number;
    readonly min: number;
    readonly max: number;
  },
): number | Response {
  const text = query.get(name);
  if (text === null) return preset;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  return badRequest(
    `${name} must be a whole number from ${min} to ${max}, not ${quoted(text)}`,
  );
}
