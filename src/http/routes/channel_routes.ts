// The routes that find channels: /v1/channels, /v1/channels/count, /v1/channels/{name}.
import { type Context, Hono } from "hono";
import type { Catalog, ChannelFilter } from "../../channels/catalog.ts";
import {
  type Channel,
  DATA_TYPES,
  type DataType,
} from "../../channels/channel.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { documented } from "../documents/api_document.ts";
import type { ChannelStates } from "../service.ts";
import { channelJson, listed } from "./channel_list.ts";
import {
  AFTER_LENGTH_MAX,
  ARROW,
  COUNT_DOCUMENT,
  FILTERS,
  ITEM_LENGTH_MAX,
  LIST_DOCUMENT,
  NAME_DOCUMENT,
  PAGING,
} from "../documents/channel_schemas.ts";
import { decimalOf } from "./decimal.ts";
import { jsonOrArrow } from "./json_or_arrow.ts";
import { textOfHeader } from "./header_text.ts";
import { badParameter, problem, quoted } from "../transport/problem.ts";
import { wrongParameter } from "./query_names.ts";
import { checkedLength, limitOf, textOf } from "./query_values.ts";
import { searched } from "./searched.ts";
import { isGone, type RequestLimits } from "../limits/request_limits.ts";
import { checkedName } from "./stream_fields.ts";
import { REPLAY_LENGTH_MAX } from "../documents/stream_parameters.ts";
import { TREND_NAMES } from "../../trends/trend_bins.ts";

const FILTER_NAMES = Object.keys(FILTERS);
const LIST_NAMES = [...FILTER_NAMES, ...Object.keys(PAGING)];

export interface ChannelRoutesOptions {
  /** The channels that a request may find. */
  readonly catalogOf: (context: Context) => Catalog;
  readonly channelStates: ChannelStates;
  readonly limits: RequestLimits;
}

/** The discovery routes. */
export function channelRoutes(options: ChannelRoutesOptions): Hono {
  const { catalogOf, channelStates: states, limits: { slices } } = options;
  const app = new Hono();
  const isLive = (channel: Channel) => states.isLive(channel);
  app.get("/v1/channels", documented(LIST_DOCUMENT), (c) => {
    const query = new URL(c.req.url).searchParams;
    const filter = filterOf(query, LIST_NAMES);
    if (filter instanceof Response) return filter;
    const limit = limitOf(query);
    if (limit instanceof Response) return limit;
    const catalog = catalogOf(c);
    const after = afterOf(query, catalog, filter);
    const type = jsonOrArrow(c, "/v1/channels");
    if (type instanceof Response) return type;
    const isArrow = type === ARROW;
    return slices.run(
      listed(catalog, { filter, after, limit, isArrow, isLive }),
      isGone(c),
    );
  });
  app.get("/v1/channels/count", documented(COUNT_DOCUMENT), (c) => {
    const filter = filterOf(new URL(c.req.url).searchParams, FILTER_NAMES);
    if (filter instanceof Response) return filter;
    return slices.run(counted(catalogOf(c), filter), isGone(c));
  });
  app.get("/v1/channels/:name", documented(NAME_DOCUMENT), async (c) => {
    const query = new URL(c.req.url).searchParams;
    const filter = filterOf(query, ["replay"]);
    if (filter instanceof Response) return filter;
    const name = checkedName(c.req.param("name"), "name");
    const replayId = filter.replayId ?? null;
    const catalog = catalogOf(c);
    const channel = catalog.get(name, replayId);
    if (channel) return await described(c, channel, options);
    return await slices.run(unknown(catalog, name, replayId), isGone(c));
  });
  return app;
}

/** One channel, and since when a range can have its rows and trends. */
async function described(
  c: Context,
  channel: Channel,
  { catalogOf, channelStates: states, limits }: ChannelRoutesOptions,
): Promise<Response> {
  const { notes } = catalogOf(c);
  await limits.slices.run(notes.finding([channel]), isGone(c));
  const [fromNs, trendsNs] = await Promise.all([
    states.availableFromNs(channel),
    states.trendsFromNs(channel),
  ]);
  const trends = TREND_NAMES.map((name, i) => [name, textOfNs(trendsNs[i])]);
  return c.json({
    ...channelJson(channel, states.isLive(channel), notes.of(channel)),
    available_from_ns: textOfNs(fromNs),
    trends_from_ns: Object.fromEntries(trends),
  });
}

function textOfNs(timeNs: bigint | null | undefined): string | null {
  return timeNs === null || timeNs === undefined ? null : String(timeNs);
}

function* counted(
  catalog: Catalog,
  filter: ChannelFilter,
): SlicedWork<Response> {
  const count = yield* searched(catalog.counting(filter));
  return count instanceof Response ? count : Response.json({ count });
}

function* unknown(
  catalog: Catalog,
  name: string,
  replayId: string | null,
): SlicedWork<Response> {
  return problem("unknown_channel", {
    detail: `There is no channel '${name}'`,
    param: "name",
    near: yield* catalog.nearing(name, replayId),
  });
}

/** `after=`: a channel's name, plain or encoded as in the header `x-next-after`. */
function afterOf(
  query: URLSearchParams,
  catalog: Catalog,
  { replayId = null }: ChannelFilter,
): string | undefined {
  const text = textOf(query, "after", AFTER_LENGTH_MAX);
  if (text === undefined) return undefined;
  if (catalog.get(text, replayId)) return text;
  return textOfHeader(text) ?? text;
}

function filterOf(
  query: URLSearchParams,
  allowed: readonly string[],
): ChannelFilter | Response {
  const wrong = wrongParameter(query, allowed, LISTS);
  if (wrong !== null) return wrong;
  const types = listOf(query, "type");
  for (const type of types ?? []) {
    if (!(DATA_TYPES as readonly string[]).includes(type)) {
      return badParameter(
        "type",
        `type must be one of ${DATA_TYPES.join(", ")}, not ${quoted(type)}`,
      );
    }
  }
  const rates: (number | undefined)[] = [];
  for (const name of ["min_rate", "max_rate"]) {
    const text = query.get(name);
    const rate = text === null ? undefined : decimalOf(text);
    if (Number.isNaN(rate)) {
      return badParameter(
        name,
        `${name} must be a number in Hz, not ${quoted(text!)}`,
      );
    }
    rates.push(rate);
  }
  return {
    match: query.get("match") ?? undefined,
    types: types as DataType[] | undefined,
    minRate: rates[0],
    maxRate: rates[1],
    publishers: listOf(query, "publisher"),
    replayId: textOf(query, "replay", REPLAY_LENGTH_MAX) || null,
  };
}

/** Parameters that are lists and may be given more than once. */
const LISTS = new Set(["type", "publisher"]);

/** The distinct values of a list; undefined where it is not given. */
function listOf(query: URLSearchParams, name: string): string[] | undefined {
  const values = new Set<string>();
  for (const value of query.getAll(name)) {
    for (const item of value.split(",")) {
      values.add(checkedLength(name, item, ITEM_LENGTH_MAX));
    }
  }
  return values.size > 0 ? [...values] : undefined;
}
