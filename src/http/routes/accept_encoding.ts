// Chooses the coding of an answer's body by the header Accept-Encoding (RFC 9110 §12.5.3).
// Invariant: a coding that the client refuses is never chosen; without the header the body is not compressed.
import Negotiator from "negotiator";
import type { Coding } from "../../frames/stream_format.ts";

/** The coding to use, of those offered (best first); null when the client refuses all of them. */
export function codingFor(
  acceptEncoding: string | undefined,
  offered: readonly Coding[],
): Coding | null {
  // Without the header any coding would be allowed, but such clients do not expect one.
  // x-gzip is the old name of gzip (§8.4.1.3).
  const header = (acceptEncoding ?? "identity").replace(/\bx-gzip\b/gi, "gzip");
  const headers = { "accept-encoding": header };
  const [best] = new Negotiator({ headers })
    .encodings([...offered], { preferred: [...offered] });
  return (best as Coding | undefined) ?? null;
}
