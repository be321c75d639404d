// Chooses the codec that compresses the buffers of an Arrow stream, from the `codecs` that the client lists in Accept.
// Invariant: only a codec that the client lists and the runtime has is used; without one the buffers are not compressed.
import { parseAccept } from "hono/utils/accept";
import type { Codec } from "../../arrow/compressed_batch.ts";
import { CODECS } from "../../frames/sample_pack.ts";
import { ARROW_TYPE } from "../documents/stream_messages.ts";

/** The first supported codec of `application/vnd.apache.arrow.stream;codecs="zstd, lz4"`, or null. */
export function codecFor(
  accept: string | undefined,
  supported: readonly Codec[] = CODECS,
): Codec | null {
  for (const { type, params, q } of parseAccept(accept ?? "")) {
    if (type.toLowerCase() !== ARROW_TYPE || q === 0) continue;
    const [, codecs = ""] = Object.entries(params)
      .find(([name]) => name.toLowerCase() === "codecs") ?? [];
    for (const name of codecs.split(",")) {
      const asked = name.trim().toLowerCase();
      const codec = supported.find((known) => known === asked);
      if (codec) return codec;
    }
  }
  return null;
}
