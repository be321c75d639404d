// A row's bytes, ready to send, in one slot of the slab, with the chunk envelope of HTTP/1.1 around them.
// Invariant: the bytes never change between claim and the last release.
import type { Slab } from "../memory/slab.ts";

// byte offset  bytes  what
//           0      8  size of the body, hexadecimal, leading zeros (RFC 9112 §7.1 allows them)
//           8      2  CRLF
//          10      n  body
//        10+n      2  CRLF
export const ENVELOPE_HEAD_BYTES = 10;
const ENVELOPE_TAIL_BYTES = 2;
/** What the envelope adds to a body. */
export const ENVELOPE_BYTES = ENVELOPE_HEAD_BYTES + ENVELOPE_TAIL_BYTES;
const CR = 13;
const LF = 10;

/** Writes the envelope around a body that already lies at `ENVELOPE_HEAD_BYTES`. */
export function seal(target: Uint8Array, bodyBytes: number): void {
  let rest = bodyBytes;
  for (let i = 7; i >= 0; i--) {
    const digit = rest & 15;
    target[i] = digit < 10 ? 48 + digit : 87 + digit;
    rest >>>= 4;
  }
  target[8] = CR;
  target[9] = LF;
  target[ENVELOPE_HEAD_BYTES + bodyBytes] = CR;
  target[ENVELOPE_HEAD_BYTES + bodyBytes + 1] = LF;
}

/** A private copy of some bytes as one chunk. */
export function chunkOf(body: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(body.byteLength + ENVELOPE_BYTES);
  chunk.set(body, ENVELOPE_HEAD_BYTES);
  seal(chunk, body.byteLength);
  return chunk;
}

/** Bytes of a text, its CRC-32, and `crcShift()` of its length; the latter two are 0 where no gzip needs them. */
export interface PlainText {
  readonly bytes: number;
  readonly crc: number;
  readonly shift: number;
}

/** A counted frame. It starts with one owner: whoever encoded it. */
export class Frame {
  /** Envelope and body: what a socket is given. */
  readonly chunk: Uint8Array;
  /** Of a packed frame: what it is when unpacked. */
  plain: PlainText | null = null;
  readonly #slab: Slab;
  readonly #handle: number;

  private constructor(slab: Slab, handle: number, chunkBytes: number) {
    this.#slab = slab;
    this.#handle = handle;
    this.chunk = slab.view(handle, chunkBytes);
  }

  /** A frame with room for a body, sealed; null when the slab has no room. */
  static claim(slab: Slab, bodyBytes: number): Frame | null {
    const chunkBytes = bodyBytes + ENVELOPE_BYTES;
    const handle = slab.claim(chunkBytes);
    if (handle < 0) return null;
    const frame = new Frame(slab, handle, chunkBytes);
    seal(frame.chunk, bodyBytes);
    return frame;
  }

  /** The body without its envelope, a view. */
  get body(): Uint8Array {
    return this.chunk.subarray(
      ENVELOPE_HEAD_BYTES,
      this.chunk.byteLength - ENVELOPE_TAIL_BYTES,
    );
  }

  retain(): void {
    this.#slab.retain(this.#handle);
  }

  release(): void {
    this.#slab.release(this.#handle);
  }
}
