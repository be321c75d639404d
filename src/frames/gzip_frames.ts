// Bins of trends as Arrow packed with gzip. A bin is short and rare: each is deflated as a whole.
// Invariant: inflated, a frame is the plain frame, byte for byte.
import type { Slab } from "../memory/slab.ts";
import type { RowEncoder } from "./row_messages.ts";
import { crcOf, crcShift } from "./crc32.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import { deflatedPiece } from "./gzip.ts";
import type { TrendArrowRows } from "./bin_texts.ts";

/** What deflate can add to a message. */
const EXTRA_BYTES = 64;

export class GzipBins implements RowEncoder {
  readonly arrow: TrendArrowRows;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #slab: Slab;
  readonly #plain: Uint8Array;
  readonly #shift: number;

  constructor(arrow: TrendArrowRows, slab: Slab) {
    const { byteLength } = arrow.template;
    this.arrow = arrow;
    this.frameBytes = byteLength;
    this.frameBytesMax = byteLength + EXTRA_BYTES +
      Math.ceil(byteLength / 1000);
    this.#slab = slab;
    this.#plain = new Uint8Array(byteLength);
    this.#shift = crcShift(byteLength);
  }

  encode(row: number, isFill = false): Frame | null {
    const plain = this.#plain;
    this.arrow.fill(row, plain, 0, isFill);
    const packed = deflatedPiece(plain);
    const frame = Frame.claim(this.#slab, packed.byteLength);
    if (frame === null) return null;
    frame.chunk.set(packed, ENVELOPE_HEAD_BYTES);
    const bytes = plain.byteLength;
    frame.plain = { bytes, crc: crcOf(plain), shift: this.#shift };
    return frame;
  }
}
