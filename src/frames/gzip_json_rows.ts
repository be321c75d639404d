// JSON events packed with gzip: each channel's text is deflated once a row, alone, whatever number of selections hold
// it; what stands between the channels is stored. Invariant: inflated, a frame is the plain frame, byte for byte.
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import type { RowEncoder } from "./row_messages.ts";
import { crcJoin, crcOf, crcShift } from "./crc32.ts";
import {
  JsonEventRows,
  makeText,
  type TextScratch,
  writeRowHead,
  writeRowTail,
} from "./json_row_texts.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import {
  deflatedPiece,
  putStoredHead,
  STORED_HEAD_BYTES,
  STORED_TEXT_BYTES_MAX,
} from "./gzip.ts";
import type { Column } from "./row_plan.ts";

/** A shorter text of a channel stays as it is: deflate costs 15 µs a call, and spares little there. */
const DEFLATE_BYTES_MIN = 128;
/** A row expected to be shorter than this is served plain. */
export const GZIP_ROW_BYTES_MIN = 512;
/** What a text can grow by. */
const PIECE_BYTES_MAX = 32;
const COMMA = 44;

/** gzip'ed JSON events of one selection. */
export class GzipEventRows implements RowEncoder {
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #timeline: Timeline;
  readonly #columns: readonly Column[];
  readonly #slab: Slab;
  readonly #scratch: TextScratch;
  // The row that is being made: where it ends, and where its open stored block begins, or -1.
  #at = 0;
  #openAt = -1;
  #crc = 0;
  #plainBytes = 0;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    slab: Slab,
    scratch: TextScratch,
  ) {
    const plain = new JsonEventRows(timeline, columns, slab, scratch);
    this.frameBytes = plain.frameBytes;
    this.frameBytesMax = plain.frameBytesMax +
      PIECE_BYTES_MAX * (columns.length + 2 +
          Math.ceil(plain.frameBytesMax / STORED_TEXT_BYTES_MAX));
    this.#timeline = timeline;
    this.#columns = columns;
    this.#slab = slab;
    this.#scratch = scratch;
  }

  encode(row: number, isFill = false): Frame | null {
    const scratch = this.#scratch;
    const columns = this.#columns;
    this.#at = 0;
    this.#openAt = -1;
    this.#crc = 0;
    this.#plainBytes = 0;
    const { glue } = scratch;
    this.#store(glue, 0, writeRowHead(glue, this.#timeline, row));
    let missing = false;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      makeText(column, row, scratch, isFill);
      if (i > 0) {
        glue[0] = COMMA;
        this.#store(glue, 0, 1);
      }
      const { text } = column;
      if (text.byteLength < DEFLATE_BYTES_MIN) {
        this.#store(text, 0, text.byteLength);
      } else this.#deflated(column);
      if (column.missing !== null) missing = true;
    }
    const tail = writeRowTail(columns, missing);
    this.#store(tail, 0, tail.byteLength);
    this.#closeStored();
    const frame = Frame.claim(this.#slab, this.#at);
    if (frame === null) return null;
    frame.chunk.set(scratch.row.subarray(0, this.#at), ENVELOPE_HEAD_BYTES);
    frame.plain = {
      bytes: this.#plainBytes,
      crc: this.#crc,
      shift: crcShift(this.#plainBytes),
    };
    return frame;
  }

  /** A channel's text, deflated; kept for the other selections of the row. */
  #deflated(column: Column): void {
    const scratch = this.#scratch;
    const { text } = column;
    if (column.packedStamp !== column.textStamp) {
      scratch.deflated++;
      column.packed = deflatedPiece(text);
      column.packedCrc = crcOf(text);
      column.packedShift = crcShift(text.byteLength);
      column.packedStamp = column.textStamp;
    }
    this.#closeStored();
    const { packed } = column;
    const out = scratch.grow(this.#at + packed.byteLength + PIECE_BYTES_MAX);
    out.set(packed, this.#at);
    this.#at += packed.byteLength;
    this.#crc = crcJoin(this.#crc, column.packedCrc, column.packedShift);
    this.#plainBytes += text.byteLength;
  }

  /** Text that is not worth deflating; what follows it joins its block. */
  #store(text: Uint8Array, from: number, bytes: number): void {
    for (let left = bytes; left > 0;) {
      if (this.#openAt < 0) {
        this.#openAt = this.#at;
        this.#at += STORED_HEAD_BYTES;
      }
      const used = this.#at - this.#openAt - STORED_HEAD_BYTES;
      const part = Math.min(left, STORED_TEXT_BYTES_MAX - used);
      const out = this.#scratch.grow(this.#at + part + PIECE_BYTES_MAX);
      out.set(text.subarray(from, from + part), this.#at);
      this.#at += part;
      from += part;
      left -= part;
      if (left > 0) this.#closeStored();
    }
    const piece = text.subarray(from - bytes, from);
    this.#crc = crcJoin(this.#crc, crcOf(piece), crcShift(bytes));
    this.#plainBytes += bytes;
  }

  #closeStored(): void {
    if (this.#openAt < 0) return;
    const bytes = this.#at - this.#openAt - STORED_HEAD_BYTES;
    putStoredHead(this.#scratch.row, this.#openAt, bytes);
    this.#openAt = -1;
  }
}
