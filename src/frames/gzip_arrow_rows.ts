// Arrow rows packed with gzip: metadata deflated when it changes, each channel's samples once a row whatever number of
// selections hold it, the rest stored. Invariant: inflated, a frame is the plain frame, byte for byte.
import { prefixedBytes } from "../arrow/message_header.ts";
import type { BatchTemplates } from "../arrow/row_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import { ArrowRows, type RowEncoder } from "./row_messages.ts";
import { crcOf, crcShift } from "./crc32.ts";
import type { TextScratch } from "./json_row_texts.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import {
  deflatedPiece,
  putStored,
  STORED_HEAD_BYTES,
  storedBytes,
} from "./gzip.ts";
import type { Column } from "./row_plan.ts";
import { packOf, type SamplePack } from "./sample_pack.ts";

export interface GzipArrowRowsOptions {
  readonly slab: Slab;
  readonly scratch: TextScratch;
  /** Templates to share with other selections. */
  readonly batches?: BatchTemplates;
}

/** gzip'ed record batch messages of one selection. */
export class GzipArrowRows implements RowEncoder {
  readonly arrow: ArrowRows;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #packs: readonly SamplePack[];
  readonly #columns: readonly Column[];
  readonly #slab: Slab;
  readonly #scratch: TextScratch;
  readonly #shift: number;
  /** Prefix and metadata of the last row, which differ with what is missing; and the same deflated. */
  readonly #head: Uint8Array;
  readonly #headWords: Int32Array;
  #packedHead: Uint8Array | null = null;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    { slab, scratch, batches }: GzipArrowRowsOptions,
  ) {
    this.arrow = new ArrowRows(timeline, columns, slab, batches);
    const { byteLength, emptyBatch } = this.arrow.template;
    this.frameBytes = byteLength;
    // Each column's samples can stand between two stored texts.
    this.frameBytesMax = storedBytes(byteLength) +
      2 * STORED_HEAD_BYTES * (columns.length + 1);
    this.#packs = columns.map((column) => packOf(column, "deflate"));
    this.#columns = columns;
    this.#slab = slab;
    this.#scratch = scratch;
    this.#shift = crcShift(byteLength);
    this.#head = new Uint8Array(
      prefixedBytes(new DataView(emptyBatch.buffer, emptyBatch.byteOffset), 0),
    );
    this.#headWords = new Int32Array(this.#head.buffer);
  }

  encode(row: number, isFill = false): Frame | null {
    const scratch = this.#scratch;
    const { template } = this.arrow;
    const plainBytes = template.byteLength;
    const plain = scratch.sampleRoom(plainBytes).subarray(0, plainBytes);
    this.arrow.fill(row, plain, 0, isFill);
    const out = scratch.grow(this.frameBytesMax);
    const head = this.#headOf(plain);
    out.set(head);
    let at = head.byteLength;
    let from = this.#head.byteLength;
    for (let i = 0; i < this.#packs.length; i++) {
      const { blockBytes, ratio } = this.#columns[i]!;
      const begin = template.valuesByteOffset(i);
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
    const frame = Frame.claim(this.#slab, at);
    if (frame === null) return null;
    frame.chunk.set(out.subarray(0, at), ENVELOPE_HEAD_BYTES);
    frame.plain = { bytes: plainBytes, crc: crcOf(plain), shift: this.#shift };
    return frame;
  }

  /** `plain` begins where its buffer does: its words are compared, not its bytes. */
  #headOf(plain: Uint8Array): Uint8Array {
    const known = this.#headWords;
    const words = new Int32Array(plain.buffer, plain.byteOffset, known.length);
    let isKnown = this.#packedHead !== null;
    for (let i = 0; isKnown && i < known.length; i++) {
      isKnown = known[i] === words[i];
    }
    if (!isKnown) {
      known.set(words);
      this.#packedHead = deflatedPiece(this.#head);
    }
    return this.#packedHead!;
  }
}
