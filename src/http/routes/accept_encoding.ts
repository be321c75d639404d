// What coding a client gets for its body, by all rules of Accept-Encoding (RFC 9110 §12.5.3).
// Invariant: a coding that the client refuses is never chosen, and without a word of it the body is plain.
import Negotiator from "negotiator";
import type { Coding } from "../../frames/stream_format.ts";

/** The coding to use, of those on offer, the best one first; null when the client refuses them all. */
export function codingFor(
  acceptEncoding: string | undefined,
  offered: readonly Coding[],
): Coding | null {
  // Without the header any coding may be used (RFC 9110), which no client without it expects.
  // x-gzip is gzip's old name (§8.4.1.3).
  const header = (acceptEncoding ?? "identity").replace(/\bx-gzip\b/gi, "gzip");
  const headers = { "accept-encoding": header };
  const [best] = new Negotiator({ headers })
    .encodings([...offered], { preferred: [...offered] });
  return (best as Coding | undefined) ?? null;
}
