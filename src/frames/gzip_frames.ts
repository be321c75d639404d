// Gzip'ed frames of any source: each message is deflated as a whole. It is used for bins, which are short and rare; rows
// are deflated by channel instead, which selections share. Invariant: inflated, a frame is the source's message, byte for byte.
import type { StreamTemplate } from "../arrow/stream_template.ts";
import type { Slab } from "../memory/slab.ts";
import { crcOf, crcShift } from "./crc32.ts";
import type { EncodingContext } from "./encoding_context.ts";
import { Frame } from "./frame.ts";
import { deflatedBytesMax, deflatedPiece } from "./gzip.ts";
import type { MessageSource } from "./message_source.ts";
import type { RowEncoder } from "./row_encoder.ts";
import type { Scratch } from "./scratch.ts";

/** The messages of a source, gzip'ed. */
export class GzipFrames implements RowEncoder {
  readonly template: StreamTemplate | null;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #source: MessageSource;
  readonly #slab: Slab;
  readonly #scratch: Scratch;

  constructor(source: MessageSource, { slab, scratch }: EncodingContext) {
    this.template = source.template;
    this.frameBytes = source.messageBytes;
    this.frameBytesMax = deflatedBytesMax(source.messageBytesMax);
    this.#source = source;
    this.#slab = slab;
    this.#scratch = scratch;
  }

  encode(row: number, isFill = false): Frame | null {
    const body = this.#scratch.body(this.#source.messageBytesMax);
    const bytes = this.#source.fill(row, body, 0, isFill);
    const message = body.subarray(0, bytes);
    const frame = Frame.of(this.#slab, deflatedPiece(message));
    if (frame === null) return null;
    frame.plain = { bytes, crc: crcOf(message), shift: crcShift(bytes) };
    return frame;
  }
}
