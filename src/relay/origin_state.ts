// Reads what an origin says about itself, which may be anything.
// Invariant: what is accepted has the types of an OriginState, and texts of a bounded length: it is shown and passed on.
import {
  type Frame,
  type OriginState,
  payloadText,
  WireError,
} from "./wire.ts";

/** Most bytes of a state: 4,096 topics take 90 kB. */
const STATE_BYTES_MAX = 1024 * 1024;
/** A path that is too long for a relay is still read, so that the reason can be given. */
const PATH_MAX = 64;
const TEXT_CHARS_MAX = 100;

/** The state in a frame `hello` or `status`. Throws {@linkcode WireError}. */
export function originState(frame: Frame): OriginState {
  const { byteLength } = frame.payload;
  if (byteLength > STATE_BYTES_MAX) {
    throw new WireError(
      `The state has ${byteLength} bytes, at most ${STATE_BYTES_MAX} are allowed`,
    );
  }
  const state = parsed(payloadText(frame));
  if (isState(state)) return state;
  throw new WireError(
    "The state is no object with path, ready, reachable and states",
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new WireError("The state is no JSON");
  }
}

function isState(value: unknown): value is OriginState {
  if (typeof value !== "object" || value === null) return false;
  const { path, ready, reachable, states } = value as Record<string, unknown>;
  return Array.isArray(path) && path.length <= PATH_MAX &&
    path.every(isShortText) && typeof ready === "boolean" &&
    typeof reachable === "boolean" && typeof states === "object" &&
    states !== null && Object.values(states).every(isShortText);
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_CHARS_MAX;
}
