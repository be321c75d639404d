// Chooses the media type of an answer by the header Accept (RFC 9110 §12.5.1).
// Invariant: a type that the client refuses, or does not name while it names others, is never chosen.
import { parseAccept } from "hono/utils/accept";
import Negotiator from "negotiator";

/** `type/subtype` of tokens (RFC 9110 §5.6.2), `*` included. */
const MEDIA_RANGE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+$/;

/**
 * The type to send, of those offered (best first, without parameters); null where the client accepts none of them.
 * Parameters in Accept other than `q` are ignored, as is a range that refuses only some codecs
 * (`…;codecs=zstd;q=0`). A header without any valid type counts as none: any type will do.
 */
export function mediaTypeFor(
  accept: string | undefined,
  offered: readonly string[],
): string | null {
  const ranges = parseAccept(accept ?? "")
    .filter(({ type, params, q }) =>
      MEDIA_RANGE.test(type) && !(q === 0 && namesCodecs(params))
    )
    .map(({ type, q }) => `${type};q=${q}`);
  if (ranges.length === 0) return offered[0]!;
  const headers = { accept: ranges.join(",") };
  return new Negotiator({ headers }).mediaType([...offered]) ?? null;
}

/** Whether a range names codecs, so that it says nothing about the type without them. */
function namesCodecs(params: Readonly<Record<string, string>>): boolean {
  return Object.keys(params).some((name) => name.toLowerCase() === "codecs");
}
