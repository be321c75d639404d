// The route that lists the replay contexts: /v1/replays.
import { type Context, Hono } from "hono";
import type { Catalog, Page } from "../../channels/catalog.ts";
import { replaysOf } from "../../channels/replay_list.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { documented } from "../documents/api_document.ts";
import {
  REPLAY_PAGING,
  REPLAYS_DOCUMENT,
} from "../documents/replay_documents.ts";
import { isGone, type RequestLimits } from "../limits/request_limits.ts";
import { jsonAnswerInSlices } from "./json_slices.ts";
import { wrongParameter } from "./query_names.ts";
import { limitOf, textOf } from "./query_values.ts";
import { REPLAY_LENGTH_MAX } from "../documents/stream_parameters.ts";

export interface ReplayRoutesOptions {
  /** The channels that a request may find. */
  readonly catalogOf: (context: Context) => Catalog;
  readonly limits: RequestLimits;
}

/** `GET /v1/replays`. A context is listed if the request may find one of its channels. */
export function replayRoutes(
  { catalogOf, limits: { slices } }: ReplayRoutesOptions,
): Hono {
  const app = new Hono();
  app.get("/v1/replays", documented(REPLAYS_DOCUMENT), (c) => {
    const query = new URL(c.req.url).searchParams;
    const wrong = wrongParameter(query, Object.keys(REPLAY_PAGING));
    if (wrong !== null) return wrong;
    const limit = limitOf(query);
    if (limit instanceof Response) return limit;
    const after = textOf(query, "after", REPLAY_LENGTH_MAX);
    return slices.run(listed(catalogOf(c), { after, limit }), isGone(c));
  });
  return app;
}

function* listed(catalog: Catalog, page: Page): SlicedWork<Response> {
  const { replays, next } = yield* replaysOf(catalog, page);
  const list = replays.map(({ replayId, channels }) => ({
    replay_id: replayId,
    channels,
  }));
  return yield* jsonAnswerInSlices({ replays: list, next });
}
