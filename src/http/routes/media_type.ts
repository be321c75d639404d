// Chooses the media type of an answer by the header Accept (RFC 9110 §12.5.1).
// Invariant: a type that the client refuses, or does not name while it names others, is never chosen.
import { parseAccept } from "hono/utils/accept";
import Negotiator from "negotiator";

/** `type/subtype` of tokens (RFC 9110 §5.6.2), `*` included. */
const MEDIA_RANGE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+$/;

/** The least weight that a type can have (RFC 9110 §12.4.2). */
const LEAST_WEIGHT = 0.001;

/**
 * The type to send, of those offered (best first, without parameters); null where the client accepts none of them.
 * Parameters in Accept other than `q` are ignored, as is a range that refuses only some codecs
 * (`…;codecs=zstd;q=0`). A header without any valid type counts as none: any type will do.
 */
export function mediaTypeFor(
  accept: string | undefined,
  offered: readonly string[],
): string | null {
  return chosen(rangesOf(accept), offered);
}

/**
 * The same, where a type that the client does not name is better than no answer: it is sent if no other fits. What the
 * client refuses (`q=0`) is not.
 */
export function lenientTypeFor(
  accept: string | undefined,
  offered: readonly string[],
): string | null {
  const ranges = rangesOf(accept);
  const namesAny = ranges.some(({ type }) => type === "*/*");
  const others = namesAny ? [] : [{ type: "*/*", q: LEAST_WEIGHT }];
  return chosen([...ranges, ...others], offered);
}

interface MediaRange {
  readonly type: string;
  readonly q: number;
}

function rangesOf(accept: string | undefined): readonly MediaRange[] {
  return parseAccept(accept ?? "").filter(({ type, params, q }) =>
    MEDIA_RANGE.test(type) && !(q === 0 && namesCodecs(params))
  );
}

function chosen(
  ranges: readonly MediaRange[],
  offered: readonly string[],
): string | null {
  if (ranges.length === 0) return offered[0]!;
  const accept = ranges.map(({ type, q }) => `${type};q=${q}`).join(",");
  const negotiator = new Negotiator({ headers: { accept } });
  return negotiator.mediaType([...offered]) ?? null;
}

/** Whether a range names codecs, so that it says nothing about the type without them. */
function namesCodecs(params: Readonly<Record<string, string>>): boolean {
  return Object.keys(params).some((name) => name.toLowerCase() === "codecs");
}
