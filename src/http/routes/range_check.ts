// Refuses a range that ends before the oldest data of its channels: its answer would be empty, which no client can
// distinguish from a channel without data. Why a problem, and only then: docs/decisions/0050.
// Invariant: what is not known refuses nothing.
import { rowStrideOf } from "../../blocks/row_stride.ts";
import { secondsText } from "../../blocks/time_text.ts";
import { type Channel, topicOf } from "../../channels/channel.ts";
import type { ChannelStates } from "../service.ts";
import { problem } from "../transport/problem.ts";
import type { StreamRequest } from "./stream_request.ts";

/** Most topics of which the oldest block is looked up for one request. */
const TOPICS_MAX = 16;
/** No log is that short: a range that ends later is not looked up. */
const RECENT_NS = 60_000_000_000n;

export interface RangeCheckOptions {
  readonly channelStates: Pick<ChannelStates, "availableFromNs">;
  /** GPS time now, ns. */
  readonly nowNs: () => bigint;
}

/** 404 for a range without any data; null for all others. */
export async function rangeProblem(
  request: StreamRequest,
  { channelStates, nowNs }: RangeCheckOptions,
): Promise<Response | null> {
  const toNs = endOf(request);
  if (toNs === null || toNs > nowNs() - RECENT_NS) return null;
  const { channels, startNs } = request;
  const fromNs = await oldestOf(channels, toNs, channelStates);
  if (fromNs === null) return null;
  // The row of the oldest block may begin before it.
  const rowNs = rowStrideOf([...new Set(channels.map((c) => c.strideNs))]);
  if (fromNs - fromNs % rowNs < toNs) return null;
  return problem("range_not_available", {
    detail:
      `The range ends at GPS ${secondsText(toNs)}, and the oldest data of ` +
      `${nameOf(channels)} is of GPS ${secondsText(fromNs)}: older data was ` +
      "deleted, or never published",
    param: "start",
    from: String(startNs),
    to: String(toNs),
    available_from_ns: String(fromNs),
  });
}

/** The end of a range of rows that is over; null where there is none. */
function endOf(
  { startNs, endNs, durationNs, resume, trend }: StreamRequest,
): bigint | null {
  // A resume has had rows; bins say in gaps why they are missing.
  if (startNs === undefined || resume !== undefined || trend !== undefined) {
    return null;
  }
  return endNs ?? (durationNs === undefined ? null : startNs + durationNs);
}

/** The oldest time of which a channel has data, if that is known of all and none has data before `toNs`; else null. */
async function oldestOf(
  channels: readonly Channel[],
  toNs: bigint,
  states: Pick<ChannelStates, "availableFromNs">,
): Promise<bigint | null> {
  const byTopic = new Map(channels.map((each) => [topicOf(each), each]));
  if (byTopic.size > TOPICS_MAX) return null;
  let oldestNs: bigint | null = null;
  for (const channel of byTopic.values()) {
    const fromNs = await states.availableFromNs(channel);
    if (fromNs === null || fromNs < toNs) return null;
    if (oldestNs === null || fromNs < oldestNs) oldestNs = fromNs;
  }
  return oldestNs;
}

function nameOf([first, ...others]: readonly Channel[]): string {
  const { name } = first!;
  return others.length === 0 ? name : `${name} and ${others.length} others`;
}
