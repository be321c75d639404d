// The context that a publisher publishes into, live or a replay: the one that its channels are in.
// Invariant: a publisher that has no channels is one of the live context, as it is to arrakis-server.
import type { Catalog } from "../channels/catalog.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { FlightError } from "./flight_error.ts";

/** Longest part of an id that a message shows. */
const SHOWN_CHARS_MAX = 64;

/** Checks that a publisher may publish into this context. Throws {@linkcode FlightError}. */
export function* checkPublisher(
  publisherId: string,
  replayId: string | null,
  catalog: Catalog,
): SlicedWork<void> {
  if (yield* hasChannels(publisherId, replayId, catalog)) return;
  const configured = yield* contextOf(publisherId, catalog);
  if (configured === replayId) return;
  const publisher = `publisher '${shown(publisherId)}' is configured for`;
  const expected = configured === null
    ? "live"
    : `replay_id '${shown(configured)}'`;
  const refused = replayId === null
    ? "to live"
    : `under replay_id '${shown(replayId)}'`;
  throw new FlightError(
    "unauthorized",
    `${publisher} ${expected} and cannot publish ${refused}`,
  );
}

function* contextOf(
  publisherId: string,
  catalog: Catalog,
): SlicedWork<string | null> {
  for (const replayId of catalog.contexts()) {
    if (yield* hasChannels(publisherId, replayId, catalog)) return replayId;
  }
  return null;
}

function* hasChannels(
  publisherId: string,
  replayId: string | null,
  catalog: Catalog,
): SlicedWork<boolean> {
  const filter = { publishers: [publisherId], replayId };
  const { channels } = yield* catalog.search(filter, { limit: 1 });
  return channels.length > 0;
}

function shown(id: string): string {
  return id.slice(0, SHOWN_CHARS_MAX);
}
