// Writes the gzip'ed body of one frame: stored texts and deflated pieces, one after another.
// Invariant: inflating the body gives the added texts, in the order in which they were added.
import type { Slab } from "../memory/slab.ts";
import { crcJoin, crcOf, crcShift } from "./crc32.ts";
import type { DeflatedText } from "./deflated_text.ts";
import { Frame } from "./frame.ts";
import {
  putStoredHead,
  STORED_HEAD_BYTES,
  STORED_TEXT_BYTES_MAX,
} from "./gzip.ts";

/** Writes one body after another into buffers of the caller. One per process. */
export class GzipBody {
  #out: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Byte offset of the stored block that can take more text; −1 where there is none. */
  #openAt = -1;
  /** CRC and length of the texts so far. */
  #crc = 0;
  #plainBytes = 0;

  /** Begins a body in `out`, which must have room for all of it. */
  begin(out: Uint8Array): void {
    this.#out = out;
    this.#at = 0;
    this.#openAt = -1;
    this.#crc = 0;
    this.#plainBytes = 0;
  }

  /** Adds the first `bytes` bytes of a text without deflating them. Successive texts share a stored block. */
  store(text: Uint8Array, bytes: number): void {
    const out = this.#out;
    const piece = text.subarray(0, bytes);
    for (let from = 0; from < bytes;) {
      if (this.#openAt < 0) {
        this.#openAt = this.#at;
        this.#at += STORED_HEAD_BYTES;
      }
      const used = this.#at - this.#openAt - STORED_HEAD_BYTES;
      const part = Math.min(bytes - from, STORED_TEXT_BYTES_MAX - used);
      out.set(piece.subarray(from, from + part), this.#at);
      this.#at += part;
      from += part;
      if (from < bytes) this.#closeStored();
    }
    this.#crc = crcJoin(this.#crc, crcOf(piece), crcShift(bytes));
    this.#plainBytes += bytes;
  }

  /** Adds a text in its deflated form. */
  addDeflated({ bytes, crc, shift, text }: DeflatedText): void {
    this.#closeStored();
    this.#out.set(bytes, this.#at);
    this.#at += bytes.byteLength;
    this.#crc = crcJoin(this.#crc, crc, shift);
    this.#plainBytes += text.bytes.byteLength;
  }

  /** Ends the body, and copies it to a frame, which the caller releases; null when the slab has no room. */
  frame(slab: Slab): Frame | null {
    this.#closeStored();
    const frame = Frame.of(slab, this.#out.subarray(0, this.#at));
    if (frame === null) return null;
    const bytes = this.#plainBytes;
    frame.plain = { bytes, crc: this.#crc, shift: crcShift(bytes) };
    return frame;
  }

  #closeStored(): void {
    if (this.#openAt < 0) return;
    const bytes = this.#at - this.#openAt - STORED_HEAD_BYTES;
    putStoredHead(this.#out, this.#openAt, bytes);
    this.#openAt = -1;
  }
}
