// The parts of a gzip body: a head, pieces of whole deflate blocks that were made apart, a trailer.
// Invariant: each piece ends on a byte and refers to nothing before it, so any pieces in a row are one stream.
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { crcJoin, crcOf, crcShift } from "./crc32.ts";

// RFC 1952: magic, deflate, no flags, no time, no extra flags, unknown system.
export const GZIP_HEAD: Uint8Array = Uint8Array
  .of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

// RFC 1951 §3.2.4, a stored block that begins on a byte:
//   byte offset 0  uint8   0: not the last block, stored
//               1  uint16  bytes of text, n
//               3  uint16  the same, inverted
//               5  n       text
export const STORED_HEAD_BYTES = 5;
export const STORED_TEXT_BYTES_MAX = 0xffff;

/** The only level in use. Level 1 leaves 0.74 of the digits of a strain channel, level 3 0.43 (docs/decisions/0015). */
const DEFLATE_LEVEL = 3;
/** Room for texts that deflate makes longer; zlib needs a chunk of at least 64 bytes. */
const PIECE_EXTRA_BYTES = 64;

/** Writes the head of a stored block; its text of `bytes` bytes follows. */
export function putStoredHead(
  target: Uint8Array,
  at: number,
  bytes: number,
): void {
  target[at] = 0;
  target[at + 1] = bytes;
  target[at + 2] = bytes >>> 8;
  target[at + 3] = ~bytes;
  target[at + 4] = ~bytes >>> 8;
}

/** A text as stored blocks. */
export function stored(text: Uint8Array): Uint8Array {
  const result = new Uint8Array(storedBytes(text.byteLength));
  putStored(result, 0, text);
  return result;
}

/** Length of a text as stored blocks. */
export function storedBytes(textBytes: number): number {
  const blocks = Math.ceil(textBytes / STORED_TEXT_BYTES_MAX);
  return textBytes + blocks * STORED_HEAD_BYTES;
}

/** Writes a text as stored blocks; returns the byte offset behind them. */
export function putStored(
  target: Uint8Array,
  at: number,
  text: Uint8Array,
): number {
  for (let from = 0; from < text.byteLength; from += STORED_TEXT_BYTES_MAX) {
    const part = text.subarray(from, from + STORED_TEXT_BYTES_MAX);
    putStoredHead(target, at, part.byteLength);
    target.set(part, at + STORED_HEAD_BYTES);
    at += STORED_HEAD_BYTES + part.byteLength;
  }
  return at;
}

/** A text deflated: whole blocks that end on a byte, of which none is the last of a stream. */
export function deflatedPiece(text: Uint8Array): Uint8Array {
  return deflateRawSync(text, {
    level: DEFLATE_LEVEL,
    finishFlush: constants.Z_SYNC_FLUSH,
    // By default zlib allocates, and keeps, 16 KiB for each text.
    chunkSize: text.byteLength + PIECE_EXTRA_BYTES,
  });
}

/** Most bytes of a text of `bytes` bytes once it is deflated. */
export function deflatedBytesMax(bytes: number): number {
  return bytes + PIECE_EXTRA_BYTES + Math.ceil(bytes / 1000);
}

/** The text of pieces, which end on a byte and of which none is the last of a stream. */
export function unpackedPiece(piece: Uint8Array): Uint8Array {
  return inflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** CRC and length of everything sent to one client so far, before packing: the trailer states them. */
export class GzipTally {
  #crc = 0;
  #bytes = 0;

  /** Adds a text whose CRC is known. `shift`: `crcShift()` of its length. */
  add(crc: number, shift: number, bytes: number): void {
    this.#crc = crcJoin(this.#crc, crc, shift);
    this.#bytes += bytes;
  }

  addText(text: Uint8Array): void {
    this.add(crcOf(text), crcShift(text.byteLength), text.byteLength);
  }

  /** An empty last block, the CRC, the length modulo 2^32. */
  trailer(): Uint8Array {
    const trailer = new Uint8Array(10);
    const view = new DataView(trailer.buffer);
    trailer[0] = 0x03;
    view.setInt32(2, this.#crc, true);
    view.setUint32(6, this.#bytes % 2 ** 32, true);
    return trailer;
  }
}
