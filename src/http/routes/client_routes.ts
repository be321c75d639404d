// The routes that show who reads what, and end one stream: GET /v1/clients and DELETE /v1/clients/{id}.
import { Hono } from "hono";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import type { ClientsQuery } from "../../clients/client_search.ts";
import { endById } from "../../clients/end_by_id.ts";
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
import {
  badParameter,
  problem,
  quoted,
  RETRY_LATER,
} from "../transport/problem.ts";
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
  app.get("/v1/clients", documented(CLIENTS_DOCUMENT), async (c) => {
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
    const asked = { limit, after, owner, address };
    const work = service.process
      ? listAnswer(await service.process.clients(asked))
      : listed(service, asked);
    return slices.run(work, isGone(c));
  });
  app.delete("/v1/clients/:id", documented(CLIENT_DOCUMENT), async (c) => {
    const id = c.req.param("id");
    if (id.length > CLIENT_ID_LENGTH_MAX) return unknown(id);
    const by = { operator: nameOf(c), ...traceFields(traceOf(c)) };
    const { log, hub: { lifecycle }, process } = service;
    const work = endById({ lifecycle, log, id, by });
    if (await slices.run(work, isGone(c))) return ENDED();
    const outcome = await process?.endClient(id, by) ?? UNKNOWN;
    if (outcome.kind === "ended") return ENDED();
    return outcome.kind === "uncertain"
      ? uncertain(id, outcome.missing)
      : unknown(id);
  });
  return app;
}

const UNKNOWN = { kind: "unknown" } as const;
const ENDED = () => new Response(null, { status: 204 });

function* listed(
  service: RoutedService,
  query: ClientsQuery,
): SlicedWork<Response> {
  return yield* listAnswer(yield* service.clientsInSlices(query));
}

function listAnswer(list: Record<string, unknown>): SlicedWork<Response> {
  return jsonAnswerInSlices(list, { "cache-control": "no-store" });
}

function uncertain(id: string, missing: readonly string[]): Response {
  return problem("threads_do_not_answer", {
    detail: `No thread that answers has a stream with the id ${quoted(id)}, ` +
      `but there was no answer within a second from ${
        missing.join(", ")
      }; try again`,
  }, RETRY_LATER);
}

function unknown(id: string): Response {
  return problem("unknown_client", {
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
  return badParameter(
    name,
    `${name} must be a whole number from ${min} to ${max}, not ${quoted(text)}`,
  );
}
