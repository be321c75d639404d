// Bytes that were seen before, to be compared with the beginning of each later message.
// Invariant: all bytes are compared; it works in words of 32 bits, four at a time, as a loop over bytes takes longer than
// the rest of a block's decoding.
const WORD_BYTES = 4;
/** Words that are compared in one step. */
const STEP = 4;

export class KnownBytes {
  readonly byteLength: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  /** A copy of bytes. */
  constructor(bytes: Uint8Array) {
    const { byteLength } = bytes;
    this.byteLength = byteLength;
    this.#bytes = Uint8Array.from(bytes);
    const view = new DataView(this.#bytes.buffer);
    this.#words = Int32Array.from(
      { length: Math.floor(byteLength / WORD_BYTES) },
      (_, i) => view.getInt32(WORD_BYTES * i, true),
    );
  }

  /** Whether a message begins with them. */
  begin(message: DataView): boolean {
    if (message.byteLength < this.byteLength) return false;
    const words = this.#words;
    let word = 0;
    for (; word + STEP <= words.length; word += STEP) {
      const at = WORD_BYTES * word;
      const differing = (message.getInt32(at, true) ^ words[word]!) |
        (message.getInt32(at + 4, true) ^ words[word + 1]!) |
        (message.getInt32(at + 8, true) ^ words[word + 2]!) |
        (message.getInt32(at + 12, true) ^ words[word + 3]!);
      if (differing !== 0) return false;
    }
    for (let at = WORD_BYTES * word; at < this.byteLength; at++) {
      if (message.getUint8(at) !== this.#bytes[at]) return false;
    }
    return true;
  }
}
