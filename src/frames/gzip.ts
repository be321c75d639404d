// What a gzip body is made of here: a head, whole deflate blocks of many makers one behind the other, a trailer.
// Invariant: every piece ends on a byte and refers to nothing before it, so that any pieces make a stream.
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

/** Level 1 of Deno's zlib uses the fixed codes: 0.74 of a strain's digits, where 3 has 0.43 (docs/decisions/0015). */
const DEFLATE_LEVEL = 3;
/** Room for what hardly packs; zlib wants a chunk of 64 bytes at least. */
const PIECE_EXTRA_BYTES = 64;

/** Writes the head of a stored block whose `bytes` of text begin behind it. */
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

/** What a text has as stored blocks. */
export function storedBytes(textBytes: number): number {
  const blocks = Math.ceil(textBytes / STORED_TEXT_BYTES_MAX);
  return textBytes + blocks * STORED_HEAD_BYTES;
}

/** Writes a text as stored blocks; where they end. */
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

/** A text as pieces that end on a byte and are not the last of a stream. */
export function deflatedPiece(text: Uint8Array): Uint8Array {
  return deflateRawSync(text, {
    level: DEFLATE_LEVEL,
    finishFlush: constants.Z_SYNC_FLUSH,
    // Else 16 KiB are made, and kept, for each text.
    chunkSize: text.byteLength + PIECE_EXTRA_BYTES,
  });
}

/** The text of pieces that end on a byte and are not the last of a stream. */
export function unpackedPiece(piece: Uint8Array): Uint8Array {
  return inflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** What has been said to one client so far, before it was packed: what the trailer must tell. */
export class GzipTally {
  #crc = 0;
  #bytes = 0;

  /** A text whose CRC is known. `shift`: `crcShift()` of its length. */
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
