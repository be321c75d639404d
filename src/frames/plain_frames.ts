// Frames of whole messages as they are, without a coding.
// Invariant: a message, or several in one frame, is written to a slot once; one whose length is known is written nowhere
// else.
import type { StreamTemplate } from "../arrow/stream_template.ts";
import type { Slab } from "../memory/slab.ts";
import type { EncodingContext } from "./encoding_context.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import type { MessageSource } from "./message_source.ts";
import type { RowEncoder } from "./row_encoder.ts";
import type { Scratch } from "./scratch.ts";

/** The encoder of a source's messages as they are. */
export function plainFrames(
  source: MessageSource,
  context: EncodingContext,
): RowEncoder {
  return source.isFixedLength
    ? new FixedFrames(source, context.slab)
    : new VariableFrames(source, context);
}

/** Messages of one length: the slot is claimed first, and filled in place. */
class FixedFrames implements RowEncoder {
  readonly template: StreamTemplate | null;
  readonly frameBytes: number;
  readonly #source: MessageSource;
  readonly #slab: Slab;

  constructor(source: MessageSource, slab: Slab) {
    this.template = source.template;
    this.frameBytes = source.messageBytes;
    this.#source = source;
    this.#slab = slab;
  }

  get frameBytesMax(): number {
    return this.frameBytes;
  }

  encode(row: number, isFill = false): Frame | null {
    const frame = Frame.claim(this.#slab, this.frameBytes);
    if (frame !== null) {
      this.#source.fill(row, frame.chunk, ENVELOPE_HEAD_BYTES, isFill);
    }
    return frame;
  }

  encodeRun(row: number, to: number): Frame | null {
    const frame = Frame.claim(this.#slab, (to - row) * this.frameBytes);
    if (frame === null) return null;
    let at = ENVELOPE_HEAD_BYTES;
    for (let i = row; i < to; i++) {
      at = this.#source.fill(i, frame.chunk, at, false);
    }
    return frame;
  }
}

/** Messages whose length is known once they are written: a slot of that length is claimed then. */
class VariableFrames implements RowEncoder {
  readonly template: StreamTemplate | null;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #source: MessageSource;
  readonly #slab: Slab;
  readonly #scratch: Scratch;

  constructor(source: MessageSource, { slab, scratch }: EncodingContext) {
    this.template = source.template;
    this.frameBytes = source.messageBytes;
    this.frameBytesMax = source.messageBytesMax;
    this.#source = source;
    this.#slab = slab;
    this.#scratch = scratch;
  }

  encode(row: number, isFill = false): Frame | null {
    const body = this.#scratch.body(this.frameBytesMax);
    const bytes = this.#source.fill(row, body, 0, isFill);
    return Frame.of(this.#slab, body.subarray(0, bytes));
  }

  encodeRun(row: number, to: number): Frame | null {
    const body = this.#scratch.body((to - row) * this.frameBytesMax);
    let bytes = 0;
    for (let i = row; i < to; i++) {
      bytes = this.#source.fill(i, body, bytes, false);
    }
    return Frame.of(this.#slab, body.subarray(0, bytes));
  }
}
