// The document that /v1/clients answers: who reads what since when, and how far behind, page by page.
// Invariant: made in slices, in the order in which the clients opened; a page has at most `limit` clients.
import { unixMsOfGpsMs } from "../../blocks/gps_time.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { type ClientsQuery, isListed } from "../../clients/client_search.ts";
import type { GroupClient } from "../../clients/selection_group.ts";

export interface ClientListParts {
  readonly clock: { gpsMs(): number };
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  readonly hub: {
    readonly lifecycle: {
      clients(): Iterable<GroupClient>;
      readonly clientCount: number;
    };
  };
}

/** Names of a client's channels that are listed. */
const CHANNELS_LISTED_MAX = 5;
/** Clients that are looked at in one part of the work, and the steps of a part. */
const PART = 50;
const PART_STEPS = 300;

/** What one thread has of a page. */
export interface ClientsPage {
  /** All of its open clients. */
  readonly open: number;
  /** Whether it has more clients after these. */
  readonly hasMore: boolean;
  /** Each with its number, in the order of the numbers. */
  readonly clients: readonly (readonly [
    number: number,
    client: Record<string, unknown>,
  ])[];
}

/** One page. `next`: what the next page begins after; null for the last page. */
export function* clientsDocument(
  parts: ClientListParts,
  query: ClientsQuery,
): SlicedWork<Record<string, unknown>> {
  return clientsOf([yield* clientsPage(parts, query)], query);
}

/** The first `limit` clients of all threads. */
export function clientsOf(
  pages: readonly ClientsPage[],
  { limit }: Pick<ClientsQuery, "limit">,
): Record<string, unknown> {
  const all = pages.flatMap(({ clients }) => clients)
    .sort(([a], [b]) => a - b);
  const listed = all.slice(0, limit);
  const hasMore = all.length > limit || pages.some((page) => page.hasMore);
  return {
    open: pages.reduce((sum, { open }) => sum + open, 0),
    next: hasMore ? listed.at(-1)?.[0] ?? 0 : null,
    clients: listed.map(([, client]) => client),
  };
}

/** The same for one thread, to be joined with the pages of others. */
export function* clientsPage(
  { clock, clockMs, hub: { lifecycle } }: ClientListParts,
  query: ClientsQuery,
): SlicedWork<ClientsPage> {
  const unixMs = unixMsOfGpsMs(clock.gpsMs());
  const nowMs = clockMs();
  const listed: [number, Record<string, unknown>][] = [];
  let hasMore = false;
  let seen = 0;
  for (const client of lifecycle.clients()) {
    if (seen++ % PART === 0) yield PART_STEPS;
    if (!isListed(client, query)) continue;
    if (listed.length === query.limit) {
      hasMore = true;
      break;
    }
    const openMs = nowMs - client.openedMs;
    listed.push([client.number, {
      ...entryOf(client),
      since: new Date(unixMs - openMs).toISOString(),
      open_s: openMs / 1000,
    }]);
  }
  return { open: lifecycle.clientCount, hasMore, clients: listed };
}

function entryOf(client: GroupClient): Record<string, unknown> {
  const { group, options } = client;
  return {
    id: client.id,
    owner: options.rights?.owner ?? null,
    address: options.address,
    request_id: options.trace?.requestId ?? null,
    format: group.format,
    coding: group.coding,
    trend: group.trend?.bin.name ?? null,
    channels: {
      count: group.channels.length,
      first: group.channels.slice(0, CHANNELS_LISTED_MAX).map((c) => c.name),
    },
    replay: group.channels[0]!.replayId,
    phase: client.phase.kind,
    slow: client.isSlow,
    rows: client.rows,
    bytes: client.bytes,
    gaps: client.gaps,
    lag: lagOf(client),
  };
}

/** Rows that its timeline has released and that it has not been sent; null while its first row is not known. */
function lagOf({ cursor, group: { timeline } }: GroupClient): {
  readonly rows: number | null;
  readonly seconds: number | null;
} {
  if (cursor < 0 || timeline.released < 0) return { rows: null, seconds: null };
  const rows = Math.max(0, timeline.released - cursor);
  return { rows, seconds: rows * timeline.strideMs / 1000 };
}
