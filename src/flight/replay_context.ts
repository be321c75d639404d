// The context that a command asks about: live, a replay by its id, or a range of history that is served as if it
// were live, which Qanat does not have.
import type { Catalog } from "../channels/catalog.ts";
import { FlightError } from "./flight_error.ts";

/** The fields of a command that choose a context. */
export interface ReplayArgs {
  readonly replay_id?: string | null;
  readonly replay_start?: bigint | null;
  readonly replay_end?: bigint | null;
}

/** The id of the replay, or null for live. Throws {@linkcode FlightError}. */
export function replayIdOf(args: ReplayArgs, catalog: Catalog): string | null {
  const { replay_start: start = null, replay_end: end = null } = args;
  const id = args.replay_id ?? null;
  if (id !== null) {
    if (start !== null || end !== null) {
      throw invalid(
        "replay_id and replay_start/replay_end are mutually exclusive",
      );
    }
    if (!catalog.hasContext(id)) throw unknown(id, catalog);
    return id;
  }
  if (start === null && end === null) return null;
  if (start === null || end === null) {
    throw invalid("both replay_start and replay_end must be provided together");
  }
  if (start >= end) throw invalid("replay_start must be less than replay_end");
  throw notServed();
}

/** arrakis-server's error for a command that none of its endpoints can serve. */
export function notServed(): FlightError {
  return new FlightError(
    "flight",
    "Could not serve request (channels + time) from any known endpoint.",
  );
}

/** Longest part of an id that a message shows, and most ids that it lists. */
const SHOWN_CHARS_MAX = 64;
const SHOWN_IDS_MAX = 20;

function unknown(id: string, catalog: Catalog): FlightError {
  const shown = id.slice(0, SHOWN_CHARS_MAX);
  const known = catalog.replayIds(SHOWN_IDS_MAX);
  if (known.length === 0) {
    return invalid(
      `replay_id '${shown}' was provided but no replay registry is configured on this server`,
    );
  }
  const list = known.map((name) => `'${name}'`).join(", ");
  return invalid(
    `unknown replay_id '${shown}'; available replays: [${list}]`,
  );
}

function invalid(message: string): FlightError {
  return new FlightError("server", message);
}
