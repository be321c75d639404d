// The channels that a stream's request names or matches.
// Invariant: a choice that is too large is noticed after one channel too many, however many there are.
import type { Catalog } from "../../channels/catalog.ts";
import type { Channel } from "../../channels/channel.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { problem } from "../transport/problem.ts";
import { searched } from "./searched.ts";

/** Unknown channels that a problem names, each with similar names. */
const UNKNOWN_MAX = 20;

export interface ChannelChoice {
  readonly names: readonly string[] | undefined;
  /** RE2 expression. */
  readonly match: string | undefined;
  readonly replayId: string | null;
  readonly channelsMax: number;
}

/** The channels by name: those of `names`, and those that match. One more than are allowed, if there are more. */
export function* chosenChannels(
  catalog: Catalog,
  { names = [], match, replayId, channelsMax }: ChannelChoice,
): SlicedWork<Map<string, Channel> | Response> {
  const chosen = new Map<string, Channel>();
  const unknown: string[] = [];
  for (const name of names) {
    yield 1;
    const channel = catalog.get(name, replayId);
    if (channel) chosen.set(name, channel);
    else if (unknown.length < UNKNOWN_MAX) unknown.push(name);
    if (chosen.size > channelsMax) return chosen;
  }
  if (unknown.length > 0) {
    return yield* unknownChannels(catalog, unknown, replayId);
  }
  if (match === undefined) return chosen;
  // All that were named may be among those that match.
  const limit = channelsMax + 1;
  const page = { limit: limit + chosen.size };
  const found = yield* searched(catalog.search({ match, replayId }, page));
  if (found instanceof Response) return found;
  for (const channel of found.channels) {
    yield 1;
    chosen.set(channel.name, channel);
  }
  return chosen;
}

function* unknownChannels(
  catalog: Catalog,
  names: readonly string[],
  replayId: string | null,
): SlicedWork<Response> {
  const unknown: { name: string; near: string[] }[] = [];
  for (const name of names) {
    unknown.push({ name, near: yield* catalog.nearing(name, replayId) });
  }
  return problem("unknown_channel", {
    detail: `No such channel: ${names.join(", ")}`,
    param: "channels",
    unknown,
  });
}

/** Refuses a selection of more channels than are allowed. */
export function tooManyChannels(channelsMax: number): Response {
  return problem("too_many_channels", {
    detail:
      `The selection has more than ${channelsMax} channels, which is the most that is allowed`,
  });
}
