// Checks the lengths that a broker's answers begin with, before any memory is taken for an answer.
// Invariant: no length is followed that is negative, below 4, or above RESPONSE_BYTES_MAX.
import { Buffer } from "node:buffer";

/** The longest answer that is accepted: twice the largest batch. A fetch asks for much less. */
export const RESPONSE_BYTES_MAX = 128 * 1024 * 1024;

// An answer: int32 length of what follows, int32 correlation id, and so on.
const LENGTH_BYTES = 4;
const RESPONSE_BYTES_MIN = 4;

/** Follows the lengths in the bytes of one socket. */
export class ResponseGuard {
  readonly #head = Buffer.alloc(LENGTH_BYTES);
  #headBytes = 0;
  /** Bytes of the current answer that are still to come. */
  #left = 0;

  /** What is wrong with the bytes so far; null when nothing is. */
  check(chunk: Uint8Array): string | null {
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.byteLength - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      this.#head[this.#headBytes++] = chunk[at++]!;
      if (this.#headBytes < LENGTH_BYTES) continue;
      this.#headBytes = 0;
      this.#left = this.#head.readInt32BE(0);
      if (this.#left < RESPONSE_BYTES_MIN || this.#left > RESPONSE_BYTES_MAX) {
        return `an answer of ${this.#left} bytes, at most ${RESPONSE_BYTES_MAX} are accepted: is this a Kafka broker?`;
      }
    }
    return null;
  }
}
