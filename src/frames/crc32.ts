// CRC-32 as gzip has it, of bytes and of texts put one behind the other without touching their bytes again.
// Invariant: crcJoin(crcOf(a), crcOf(b), crcShift(b.byteLength)) equals crcOf(ab).
import { crc32 } from "node:zlib";

/** The polynomial, lowest power in the highest bit. */
const POLYNOMIAL = 0xedb88320 | 0;
/** x^0: a shift by no bytes. */
const ONE = 0x80000000 | 0;
/** x^8: a shift by one byte. */
const ONE_BYTE = 0x00800000;
const DIGITS = 4;
/** Shifts by `digit` × 256^`place` bytes, at `place` × 256 + `digit`: lengths below 2^32 are a product of four. */
const SHIFTS = (() => {
  const shifts = new Int32Array(256 * DIGITS);
  let unit = ONE_BYTE;
  for (let place = 0; place < DIGITS; place++) {
    let shift = ONE;
    for (let digit = 0; digit < 256; digit++) {
      shifts[256 * place + digit] = shift;
      shift = multiply(unit, shift);
    }
    unit = shift;
  }
  return shifts;
})();
/** CRC of some bytes; of what came before and them when that has CRC `before`. */
export function crcOf(bytes: Uint8Array, before = 0): number {
  return crc32(bytes, before >>> 0) | 0;
}

/** What a CRC is to be multiplied by when `byteLength` bytes follow; below 2^32. */
export function crcShift(byteLength: number): number {
  if (!(byteLength >= 0 && byteLength < 2 ** 32)) {
    throw new RangeError(
      `Cannot shift a CRC by ${byteLength} bytes as that is not below 2^32`,
    );
  }
  let shift = SHIFTS[byteLength & 255]!;
  if (byteLength > 0xff) {
    shift = multiply(SHIFTS[256 + (byteLength >>> 8 & 255)]!, shift);
  }
  if (byteLength > 0xffff) {
    shift = multiply(SHIFTS[512 + (byteLength >>> 16 & 255)]!, shift);
  }
  if (byteLength > 0xffffff) {
    shift = multiply(SHIFTS[768 + (byteLength >>> 24)]!, shift);
  }
  return shift;
}

/** CRC of two texts in a row; `shift` is that of the second one's length. */
export function crcJoin(first: number, second: number, shift: number): number {
  return multiply(shift, first) ^ second;
}

/** Product of two polynomials modulo the CRC's. No branch on data: 32 steps, about 40 ns. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let i = 0; i < 32; i++) {
    product ^= b & (a >> 31);
    a <<= 1;
    b = (b >>> 1) ^ (POLYNOMIAL & -(b & 1));
  }
  return product;
}
