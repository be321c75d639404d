// Since when an upstream has the blocks of a topic, as it says of one of the topic's channels.
// Invariant: an answer of another form is an error, and one that does not come in time is given up.
import type { Channel } from "../channels/channel.ts";
import { UpstreamError } from "./upstream_error.ts";
import type { Upstreams } from "./upstreams.ts";

const WAIT_MS = 5000;

/** GPS ms of the oldest block; null where the upstream does not know it. Rejects with {@linkcode UpstreamError}. */
export async function upstreamOldestMs(
  upstreams: Pick<Upstreams, "json">,
  { name, replayId }: Channel,
): Promise<number | null> {
  const query = replayId === null
    ? ""
    : `?replay=${encodeURIComponent(replayId)}`;
  const answer = await upstreams.json(
    `/v1/channels/${encodeURIComponent(name)}${query}`,
    AbortSignal.timeout(WAIT_MS),
  );
  const { available_from_ns: fromNs = null } = (answer ?? {}) as {
    available_from_ns?: unknown;
  };
  if (fromNs === null) return null;
  if (typeof fromNs !== "string" || !/^\d{1,19}$/.test(fromNs)) {
    throw new UpstreamError("it sends an 'available_from_ns' that is no time");
  }
  return Number(fromNs) / 1e6;
}
