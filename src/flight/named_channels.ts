// The channels that a command names.
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { FlightError } from "./flight_error.ts";
import { notServed, type ReplayArgs, replayIdOf } from "./replay_context.ts";

/** Longest part of a name that a message shows, and most names that it lists. */
const SHOWN_CHARS_MAX = 255;
const SHOWN_NAMES_MAX = 20;
/** Names looked up in a part of the work, and its steps. */
const PART_NAMES = 500;

/** The channels that a command names, of the context that it asks about. */
interface NamedArgs extends ReplayArgs {
  readonly channels: readonly string[];
}

/** As {@linkcode namedChannels}, but a command that names none is refused. */
export function* servedChannels(
  args: NamedArgs,
  catalog: Catalog,
  channelsMax: number,
): SlicedWork<Channel[]> {
  const channels = yield* namedChannels(args, catalog, channelsMax);
  if (channels.length === 0) throw notServed();
  return channels;
}

/**
 * The named channels, each once, in the order of the names. Throws {@linkcode FlightError} for names that are not known,
 * and for too many of them.
 */
export function* namedChannels(
  args: NamedArgs,
  catalog: Catalog,
  channelsMax: number,
): SlicedWork<Channel[]> {
  const replayId = replayIdOf(args, catalog);
  const { channels: names } = args;
  if (names.length > channelsMax) {
    throw new FlightError(
      "flight",
      `${names.length} channels are asked for, at most ${channelsMax} are allowed (--channels-max)`,
    );
  }
  const found = new Map<string, Channel>();
  const unknown: string[] = [];
  for (const [i, name] of names.entries()) {
    if (i % PART_NAMES === 0) yield PART_NAMES;
    const channel = catalog.get(name, replayId);
    if (channel) found.set(name, channel);
    else unknown.push(name);
  }
  if (unknown.length === 0) return [...found.values()];
  const shown = unknown.slice(0, SHOWN_NAMES_MAX)
    .map((name) => name.slice(0, SHOWN_CHARS_MAX));
  if (shown.length < unknown.length) {
    shown.push(`and ${unknown.length - shown.length} more`);
  }
  throw new FlightError(
    "unavailable",
    `channel(s) {${shown.join(", ")}} are not available on this server`,
  );
}
