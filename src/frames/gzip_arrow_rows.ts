// Arrow rows packed with gzip: metadata is deflated when it changes, each channel's samples once a row for all
// selections that have the channel, and the rest is stored. Invariant: inflated, a frame is the plain frame, byte for byte.
import { prefixedBytes } from "../arrow/message_header.ts";
import type { RowTemplate } from "../arrow/row_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import { crcOf, crcShift } from "./crc32.ts";
import type { EncodingContext } from "./encoding_context.ts";
import { Frame } from "./frame.ts";
import {
  deflatedPiece,
  putStored,
  STORED_HEAD_BYTES,
  storedBytes,
} from "./gzip.ts";
import type { RowEncoder } from "./row_encoder.ts";
import { RowMessages } from "./row_messages.ts";
import type { Column } from "./row_plan.ts";
import type { SamplePack } from "./sample_pack.ts";
import type { Scratch } from "./scratch.ts";

/** The gzip'ed record batches of one selection. */
export class GzipArrowRows implements RowEncoder {
  readonly template: RowTemplate;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #messages: RowMessages;
  readonly #packs: readonly SamplePack[];
  readonly #columns: readonly Column[];
  readonly #slab: Slab;
  readonly #scratch: Scratch;
  /** `crcShift()` of a message's length. */
  readonly #shift: number;
  /** Prefix and metadata of the last row, which depend on the missing channels; and the same deflated. */
  readonly #head: Uint8Array;
  readonly #headWords: Int32Array;
  #deflatedHead: Uint8Array | null = null;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    context: EncodingContext,
  ) {
    const messages = new RowMessages(timeline, columns, context);
    const { byteLength, emptyBatch } = messages.template;
    this.#messages = messages;
    this.template = messages.template;
    this.frameBytes = byteLength;
    // Between the packed samples of any two columns there can be a stored text.
    this.frameBytesMax = storedBytes(byteLength) +
      2 * STORED_HEAD_BYTES * (columns.length + 1);
    this.#packs = columns.map((c) => context.caches.packOf(c, "deflate"));
    this.#columns = columns;
    this.#slab = context.slab;
    this.#scratch = context.scratch;
    this.#shift = crcShift(byteLength);
    this.#head = new Uint8Array(
      prefixedBytes(new DataView(emptyBatch.buffer, emptyBatch.byteOffset), 0),
    );
    this.#headWords = new Int32Array(this.#head.buffer);
  }

  encode(row: number, isFill = false): Frame | null {
    const scratch = this.#scratch;
    const bytes = this.frameBytes;
    const plain = scratch.message(bytes).subarray(0, bytes);
    this.#messages.fill(row, plain, 0, isFill);
    const out = scratch.body(this.frameBytesMax);
    const head = this.#deflatedHeadOf(plain);
    out.set(head);
    let at = head.byteLength;
    let from = this.#head.byteLength;
    for (let i = 0; i < this.#packs.length; i++) {
      const { blockBytes, ratio } = this.#columns[i]!;
      const begin = this.template.valuesByteOffset(i);
      const end = begin + blockBytes * ratio;
      const samples = plain.subarray(begin, end);
      const packed = this.#packs[i]!.of(row, samples, isFill);
      if (packed === null) continue;
      at = putStored(out, at, plain.subarray(from, begin));
      out.set(packed, at);
      at += packed.byteLength;
      from = end;
    }
    at = putStored(out, at, plain.subarray(from));
    const frame = Frame.of(this.#slab, out.subarray(0, at));
    if (frame === null) return null;
    frame.plain = { bytes, crc: crcOf(plain), shift: this.#shift };
    return frame;
  }

  /** `plain` begins at its buffer's start, so words can be compared instead of bytes. */
  #deflatedHeadOf(plain: Uint8Array): Uint8Array {
    const known = this.#headWords;
    const words = new Int32Array(plain.buffer, plain.byteOffset, known.length);
    let isKnown = this.#deflatedHead !== null;
    for (let i = 0; isKnown && i < known.length; i++) {
      isKnown = known[i] === words[i];
    }
    if (!isKnown) {
      known.set(words);
      this.#deflatedHead = deflatedPiece(this.#head);
    }
    return this.#deflatedHead!;
  }
}
