// Discovery: /v1/channels, /v1/channels/count, /v1/channels/{name}.
import { Hono } from "hono";
import { encodeChannelTable } from "../arrow/channel_table.ts";
import type { Catalog, ChannelFilter } from "../channels/catalog.ts";
import {
  type Channel,
  DATA_TYPES,
  type DataType,
} from "../channels/channel.ts";
import { documented } from "./api_document.ts";
import {
  ARROW,
  COUNT_DOCUMENT,
  FILTERS,
  LIMIT_DEFAULT,
  LIMIT_MAX,
  LIST_DOCUMENT,
  NAME_DOCUMENT,
  PAGING,
} from "./channel_schemas.ts";
import { decimalOf } from "./decimal.ts";
import { badExpression, problem } from "./problem.ts";

const FILTER_NAMES = Object.keys(FILTERS);
const LIST_NAMES = [...FILTER_NAMES, ...Object.keys(PAGING)];

export interface ChannelRoutesOptions {
  readonly isLive: (channel: Channel) => boolean;
}

/** The discovery routes over a catalog. */
export function channelRoutes(
  catalog: Catalog,
  options: ChannelRoutesOptions,
): Hono {
  const { isLive } = options;
  const app = new Hono();
  app.get("/v1/channels", documented(LIST_DOCUMENT), (c) => {
    const query = new URL(c.req.url).searchParams;
    const filter = filterOf(query, LIST_NAMES);
    if (filter instanceof Response) return filter;
    const limit = limitOf(query.get("limit"));
    if (limit instanceof Response) return limit;
    const found = tryFind(catalog, filter);
    if (found instanceof Response) return found;
    const after = query.get("after");
    const from = after === null ? 0 : found.findIndex((x) => x.name > after);
    const page = from < 0 ? [] : found.slice(from, from + limit);
    const hasMore = from >= 0 && from + limit < found.length;
    const next = hasMore ? page.at(-1)!.name : null;
    if ((c.req.header("accept") ?? "").includes(ARROW)) {
      const body = encodeChannelTable(page, isLive);
      return new Response(body as Uint8Array<ArrayBuffer>, {
        headers: {
          "content-type": ARROW,
          vary: "accept",
          ...(next === null ? {} : { "x-next-after": next }),
        },
      });
    }
    c.header("vary", "accept");
    return c.json({ channels: page.map((x) => jsonOf(x, isLive)), next });
  });
  app.get("/v1/channels/count", documented(COUNT_DOCUMENT), (c) => {
    const filter = filterOf(new URL(c.req.url).searchParams, FILTER_NAMES);
    if (filter instanceof Response) return filter;
    const found = tryFind(catalog, filter);
    return found instanceof Response ? found : c.json({ count: found.length });
  });
  app.get("/v1/channels/:name", documented(NAME_DOCUMENT), (c) => {
    const query = new URL(c.req.url).searchParams;
    const filter = filterOf(query, ["replay"]);
    if (filter instanceof Response) return filter;
    const name = c.req.param("name");
    const replayId = filter.replayId ?? null;
    const channel = catalog.get(name, replayId);
    if (channel) return c.json(jsonOf(channel, isLive));
    return problem(404, {
      title: "Unknown channel",
      detail: `There is no channel '${name}'`,
      near: catalog.near(name, replayId),
    });
  });
  return app;
}

function jsonOf(channel: Channel, isLive: (channel: Channel) => boolean) {
  return {
    name: channel.name,
    data_type: channel.dataType,
    sample_rate: channel.sampleRate,
    publisher: channel.publisher,
    stride_ns: Number(channel.strideNs),
    max_latency_ns: Number(channel.maxLatencyNs),
    replay_id: channel.replayId,
    live: isLive(channel),
  };
}

function tryFind(catalog: Catalog, filter: ChannelFilter) {
  try {
    return catalog.find(filter);
  } catch (error) {
    return badExpression(error);
  }
}

function filterOf(
  query: URLSearchParams,
  allowed: readonly string[],
): ChannelFilter | Response {
  for (const name of query.keys()) {
    if (!allowed.includes(name)) {
      return bad(
        `Unknown query parameter '${name}'; known are ${allowed.join(", ")}`,
      );
    }
  }
  const types = listOf(query, "type");
  for (const type of types ?? []) {
    if (!(DATA_TYPES as readonly string[]).includes(type)) {
      return bad(`type must be one of ${DATA_TYPES.join(", ")}, not '${type}'`);
    }
  }
  const rates: (number | undefined)[] = [];
  for (const name of ["min_rate", "max_rate"]) {
    const text = query.get(name);
    const rate = text === null ? undefined : decimalOf(text);
    if (Number.isNaN(rate)) {
      return bad(`${name} must be a number in Hz, not '${text}'`);
    }
    rates.push(rate);
  }
  return {
    match: query.get("match") ?? undefined,
    types: types as DataType[] | undefined,
    minRate: rates[0],
    maxRate: rates[1],
    publishers: listOf(query, "publisher"),
    replayId: query.get("replay") || null,
  };
}

function listOf(query: URLSearchParams, name: string): string[] | undefined {
  const values = query.getAll(name).flatMap((value) => value.split(","));
  return values.length > 0 ? values : undefined;
}

function limitOf(text: string | null): number | Response {
  if (text === null) return LIMIT_DEFAULT;
  const limit = decimalOf(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  return bad(
    `limit must be a whole number from 1 to ${LIMIT_MAX}, not '${text}'`,
  );
}

function bad(detail: string): Response {
  return problem(400, { title: "Bad request", detail });
}
