// One page of the channel list as JSON or Arrow, encoded some rows at a time.
import { encodeChannelTable } from "../../arrow/channel_table.ts";
import type { Catalog, ChannelFilter } from "../../channels/catalog.ts";
import type { ChannelNote } from "../../channels/channel_note.ts";
import type { ChannelNotes } from "../../channels/channel_notes.ts";
import type { Channel } from "../../channels/channel.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { ARROW } from "../documents/channel_schemas.ts";
import { headerText } from "./header_text.ts";
import { searched } from "./searched.ts";

/** Rows that are encoded in one part. */
const PART = 200;
/** Steps of one part. */
const JSON_STEPS = 600;

export interface ListOptions {
  readonly filter: ChannelFilter;
  readonly after: string | undefined;
  readonly limit: number;
  readonly isArrow: boolean;
  readonly isLive: (channel: Channel) => boolean;
}

/** Searches and encodes one page. */
export function* listed(
  catalog: Catalog,
  { filter, after, limit, isArrow, isLive }: ListOptions,
): SlicedWork<Response> {
  const found = yield* searched(catalog.search(filter, { after, limit }));
  if (found instanceof Response) return found;
  const { channels, next } = found;
  const { notes } = catalog;
  yield* notes.finding(channels);
  if (!isArrow) {
    const rows = yield* jsonRows(channels, notes, isLive);
    const body = `{"channels":[${rows}],"next":${JSON.stringify(next)}}`;
    return new Response(body, {
      headers: { "content-type": "application/json", vary: "accept" },
    });
  }
  const body = yield* encodeChannelTable(channels, {
    isLive,
    noteOf: (channel) => notes.of(channel),
  });
  return new Response(body as Uint8Array<ArrayBuffer>, {
    headers: {
      "content-type": ARROW,
      vary: "accept",
      ...(next === null ? {} : { "x-next-after": headerText(next) }),
    },
  });
}

function* jsonRows(
  channels: readonly Channel[],
  notes: ChannelNotes,
  isLive: (channel: Channel) => boolean,
): SlicedWork<string> {
  const parts: string[] = [];
  for (let from = 0; from < channels.length; from += PART) {
    yield JSON_STEPS;
    const rows = channels.slice(from, from + PART)
      .map((channel) =>
        JSON.stringify(channelJson(channel, isLive(channel), notes.of(channel)))
      );
    parts.push(rows.join(","));
  }
  return parts.join(",");
}

/** A channel as the list shows it. */
export function channelJson(
  channel: Channel,
  live: boolean,
  note: ChannelNote | null,
) {
  return {
    name: channel.name,
    data_type: channel.dataType,
    sample_rate: channel.sampleRate,
    publisher: channel.publisher,
    stride_ns: Number(channel.strideNs),
    max_latency_ns: Number(channel.maxLatencyNs),
    replay_id: channel.replayId,
    live,
    unit: note?.unit ?? null,
    description: note?.description ?? null,
    range: note?.range ?? null,
  };
}
