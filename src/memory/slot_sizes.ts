// The sizes that slots of the slab have.
// Invariant: sizes are multiples of 64, and at most a fifth of a slot is unused above the smallest size.

export const SLOT_BYTES_MIN = 256;
/** Largest claim, bytes. */
export const SLOT_BYTES_MAX = 16 * 1024 * 1024;
/** Size classes between two powers of two. */
const STEPS_PER_OCTAVE = 4;

/** By size class: bytes of a slot, ascending. */
export const CLASS_BYTES: readonly number[] = (() => {
  const sizes: number[] = [];
  for (let base = SLOT_BYTES_MIN; base < SLOT_BYTES_MAX; base *= 2) {
    for (let step = 0; step < STEPS_PER_OCTAVE; step++) {
      sizes.push(base + base * step / STEPS_PER_OCTAVE);
    }
  }
  sizes.push(SLOT_BYTES_MAX);
  return sizes;
})();

/** Bytes of the slot that `Slab.claim(byteLength)` claims, at most {@linkcode SLOT_BYTES_MAX}. */
export function slotBytesFor(byteLength: number): number {
  return CLASS_BYTES[sizeClassOf(byteLength)] ?? SLOT_BYTES_MAX;
}

/** Smallest size class with at least this many bytes; −1 when there is none. */
export function sizeClassOf(byteLength: number): number {
  if (!(byteLength <= SLOT_BYTES_MAX)) return -1;
  if (byteLength <= SLOT_BYTES_MIN) return 0;
  const octave = 31 - Math.clz32((byteLength - 1) >>> 8);
  const base = SLOT_BYTES_MIN * 2 ** octave;
  const step = Math.ceil((byteLength - base) * STEPS_PER_OCTAVE / base);
  return octave * STEPS_PER_OCTAVE + step;
}
