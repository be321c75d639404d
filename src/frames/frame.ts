// The bytes of a row, ready to send, in one slot of the slab, with the envelope of an HTTP/1.1 chunk around them.
// Invariant: the bytes never change between the return of the encoder and the last release.
import type { Slab } from "../memory/slab.ts";

// byte offset  bytes  what
//           0     14  size of the body, hexadecimal, leading zeros (RFC 9112 §7.1 allows them)
//          14      2  CRLF
//          16      n  body
//        16+n      2  CRLF
// The body begins at a multiple of 8, as the samples do in an Arrow message and in the page ring. To copy them out of
// shared memory takes five times as long where the two differ (bench/sample_copy_bench.ts).
const SIZE_DIGITS = 14;
export const ENVELOPE_HEAD_BYTES = SIZE_DIGITS + 2;
const ENVELOPE_TAIL_BYTES = 2;
/** Bytes that the envelope adds to a body. */
export const ENVELOPE_BYTES = ENVELOPE_HEAD_BYTES + ENVELOPE_TAIL_BYTES;
const CR = 13;
const LF = 10;

/** Writes the envelope around a body that already lies at `ENVELOPE_HEAD_BYTES`. */
export function seal(target: Uint8Array, bodyBytes: number): void {
  let rest = bodyBytes;
  for (let i = SIZE_DIGITS - 1; i >= 0; i--) {
    const digit = rest & 15;
    target[i] = digit < 10 ? 48 + digit : 87 + digit;
    rest >>>= 4;
  }
  target[SIZE_DIGITS] = CR;
  target[SIZE_DIGITS + 1] = LF;
  target[ENVELOPE_HEAD_BYTES + bodyBytes] = CR;
  target[ENVELOPE_HEAD_BYTES + bodyBytes + 1] = LF;
}

/** A copy of `body` as one chunk, in memory of its own. */
export function chunkOf(body: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(body.byteLength + ENVELOPE_BYTES);
  chunk.set(body, ENVELOPE_HEAD_BYTES);
  seal(chunk, body.byteLength);
  return chunk;
}

/** What is known of a body before it was packed. */
export interface PlainBody {
  readonly bytes: number;
  /** CRC-32, and `crcShift()` of the length; both are 0 where no gzip trailer needs them. */
  readonly crc: number;
  readonly shift: number;
}

/** A frame with a count of owners. The first owner is the caller of the encoder; the last release frees the slot. */
export class Frame {
  /** Envelope and body: the bytes that a socket writes. */
  readonly chunk: Uint8Array;
  /** The body before it was packed; null when it is not packed. */
  plain: PlainBody | null = null;
  readonly #slab: Slab;
  readonly #handle: number;

  private constructor(slab: Slab, handle: number, chunkBytes: number) {
    this.#slab = slab;
    this.#handle = handle;
    this.chunk = slab.view(handle, chunkBytes);
  }

  /** A frame with its envelope, and room for a body of `bodyBytes`; null when the slab has no room. */
  static claim(slab: Slab, bodyBytes: number): Frame | null {
    const chunkBytes = bodyBytes + ENVELOPE_BYTES;
    const handle = slab.claim(chunkBytes);
    if (handle < 0) return null;
    const frame = new Frame(slab, handle, chunkBytes);
    seal(frame.chunk, bodyBytes);
    return frame;
  }

  /** A frame with a copy of `body`; null when the slab has no room. */
  static of(slab: Slab, body: Uint8Array): Frame | null {
    const frame = Frame.claim(slab, body.byteLength);
    frame?.chunk.set(body, ENVELOPE_HEAD_BYTES);
    return frame;
  }

  /** A view of the body, without its envelope. */
  get body(): Uint8Array {
    return this.chunk.subarray(
      ENVELOPE_HEAD_BYTES,
      this.chunk.byteLength - ENVELOPE_TAIL_BYTES,
    );
  }

  /** Adds an owner. Throws when the frame has none any more. */
  retain(): void {
    this.#slab.retain(this.#handle);
  }

  /** Removes an owner. Throws when the frame has none any more. */
  release(): void {
    this.#slab.release(this.#handle);
  }
}
