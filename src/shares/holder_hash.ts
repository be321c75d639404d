// The hash under which a holder is found in shared memory: 128 bits, two HalfSipHash-2-4 with keys of their own.
// Untrusted clients choose the names: the keys are secret, so that no client can choose two names with one hash.
// Invariant: pure in the keys and the text.

const WORD_CHARS = 2;

/** Words of a hash, and of its keys. */
export const HASH_WORDS = 4;

/** Writes the hash of a text, of which each UTF-16 code unit is two bytes, into `hash`. */
export function hashText(
  text: string,
  keys: Int32Array | readonly number[],
  hash: Int32Array,
): void {
  halfSipHash(text, keys[0]!, keys[1]!, hash, 0);
  halfSipHash(text, keys[2]!, keys[3]!, hash, 2);
}

/** One HalfSipHash-2-4 of 64 bits, as two words from `hash[at]` on. */
function halfSipHash(
  text: string,
  k0: number,
  k1: number,
  hash: Int32Array,
  at: number,
): void {
  const state = new HalfSipState(k0, k1);
  const whole = text.length - text.length % WORD_CHARS;
  for (let i = 0; i < whole; i += WORD_CHARS) {
    state.add(text.charCodeAt(i) | text.charCodeAt(i + 1) << 16);
  }
  const rest = whole < text.length ? text.charCodeAt(whole) : 0;
  const bytes = 2 * text.length;
  state.add(bytes << 24 | rest);
  hash[at] = state.end(0xee);
  hash[at + 1] = state.more(0xdd);
}

/** The four words of the algorithm. */
class HalfSipState {
  #v0: number;
  #v1: number;
  #v2: number;
  #v3: number;

  constructor(k0: number, k1: number) {
    this.#v0 = k0;
    this.#v1 = k1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ k0;
    this.#v3 = 0x74656462 ^ k1;
  }

  add(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  end(mark: number): number {
    this.#v2 ^= mark;
    this.#rounds(4);
    return this.#v1 ^ this.#v3;
  }

  more(mark: number): number {
    this.#v1 ^= mark;
    this.#rounds(4);
    return this.#v1 ^ this.#v3;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0;
      v1 = (v1 << 5 | v1 >>> 27) ^ v0;
      v0 = v0 << 16 | v0 >>> 16;
      v2 = (v2 + v3) | 0;
      v3 = (v3 << 8 | v3 >>> 24) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = (v3 << 7 | v3 >>> 25) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = (v1 << 13 | v1 >>> 19) ^ v2;
      v2 = v2 << 16 | v2 >>> 16;
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
