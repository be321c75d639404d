// Decodes Kafka's plain encoding: integers of fixed size, and texts with an int16 length.
// Invariant: it only goes forward, and throws a RangeError where the bytes end, whatever they claim.
import type { Buffer } from "node:buffer";

export class WireReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  /** `what` names the bytes in errors. */
  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#advance(8)));
  }

  text(): string {
    const length = this.int16();
    const at = this.#advance(length);
    return this.#bytes.toString("utf8", at, at + length);
  }

  take(byteLength: number): Buffer {
    const at = this.#advance(byteLength);
    return this.#bytes.subarray(at, at + byteLength);
  }

  skip(byteLength: number): void {
    this.#advance(byteLength);
  }

  /** Byte offset before the step. */
  #advance(byteLength: number): number {
    const at = this.#at;
    if (byteLength < 0 || at + byteLength > this.#bytes.length) {
      throw new RangeError(
        `${this.#what}: ${byteLength} bytes at ${at} of ${this.#bytes.length}`,
      );
    }
    this.#at = at + byteLength;
    return at;
  }
}
