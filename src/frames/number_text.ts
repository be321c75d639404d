// Writes numbers as JSON text in UTF-8. Each reads back to exactly the same value; NaN and infinities become null.
// Invariant: a number has at most NUMBER_TEXT_MAX bytes.
import type { DataType } from "../channels/channel.ts";

/** Longest text of one number: `-1.7976931348623157e+308` has 24. */
export const NUMBER_TEXT_MAX = 26;

/** By data type: longest text of one sample, bytes. 64-bit integers have quotes. */
export const SAMPLE_TEXT_MAX: Readonly<Record<DataType, number>> = {
  int8: 4,
  int16: 6,
  int32: 11,
  int64: 22,
  uint8: 3,
  uint16: 5,
  uint32: 10,
  uint64: 22,
  float32: NUMBER_TEXT_MAX,
  float64: NUMBER_TEXT_MAX,
};

const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const LOWER_E = 101;
/** The powers of ten that a double represents exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/** Writes ASCII text at byte offset `at`; returns the byte offset after it, as all functions here do. */
export function writeAscii(
  out: Uint8Array,
  at: number,
  text: string,
): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Writes an integer of magnitude below 2^53. */
export function writeInteger(
  out: Uint8Array,
  at: number,
  value: number,
): number {
  if (value < 0) {
    out[at++] = MINUS;
    value = -value;
  }
  let digits = 1;
  while (digits < POWERS.length && value >= POWERS[digits]!) digits++;
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(value / 10);
    out[i] = ZERO + (value - rest * 10);
    value = rest;
  }
  return at + digits;
}

/** Writes a float64 in its shortest form. */
export function writeFloat64(
  out: Uint8Array,
  at: number,
  value: number,
): number {
  if (Number.isFinite(value)) {
    if (value === 0) return writeZero(out, at, value);
    return writeAscii(out, at, String(value));
  }
  return writeAscii(out, at, "null");
}

/**
 * Writes a float32 as the shortest decimal that, read as a double and rounded to float32, is the same value.
 * The candidates have 6, 7, 8 and 9 digits. One multiplication or division by an exact power of ten is correctly
 * rounded, so its result equals what a reader parses.
 */
export function writeFloat32(
  out: Uint8Array,
  at: number,
  value: number,
): number {
  if (!Number.isFinite(value)) return writeAscii(out, at, "null");
  if (value === 0) return writeZero(out, at, value);
  if (value < 0) {
    out[at++] = MINUS;
    value = -value;
  }
  if (value < 16_777_216 && value === Math.floor(value)) {
    return writeInteger(out, at, value);
  }
  const exponent = Math.floor(Math.log10(value));
  for (let precision = 6; precision <= 9; precision++) {
    const scale = precision - 1 - exponent;
    if (scale > 22 || scale < -22) break;
    const digits = Math.round(
      scale >= 0 ? value * POWERS[scale]! : value / POWERS[-scale]!,
    );
    const back = scale >= 0
      ? digits / POWERS[scale]!
      : digits * POWERS[-scale]!;
    if (Math.fround(back) === value) {
      return writeDecimal(out, at, digits, -scale);
    }
  }
  // Beyond 10^±22, and for denormals, which have fewer than six digits.
  for (let precision = 1; precision < 9; precision++) {
    const back = Number(value.toPrecision(precision));
    if (Math.fround(back) === value) return writeAscii(out, at, String(back));
  }
  return writeAscii(out, at, String(Number(value.toPrecision(9))));
}

/** Writes digits × 10^power in the notation of JavaScript. */
function writeDecimal(
  out: Uint8Array,
  at: number,
  digits: number,
  power: number,
): number {
  while (digits % 10 === 0) {
    digits /= 10;
    power++;
  }
  let count = 1;
  while (digits >= POWERS[count]!) count++;
  const point = count + power;
  if (point > 21 || point <= -6) return writeExponent(out, at, digits, point);
  if (point <= 0) {
    out[at++] = ZERO;
    out[at++] = POINT;
    for (let i = point; i < 0; i++) out[at++] = ZERO;
    return writeInteger(out, at, digits);
  }
  if (power >= 0) {
    at = writeInteger(out, at, digits);
    for (let i = 0; i < power; i++) out[at++] = ZERO;
    return at;
  }
  const end = writeInteger(out, at, digits);
  for (let i = end; i > at + point; i--) out[i] = out[i - 1]!;
  out[at + point] = POINT;
  return end + 1;
}

function writeExponent(
  out: Uint8Array,
  at: number,
  digits: number,
  point: number,
): number {
  const end = writeInteger(out, at, digits);
  let behind = end;
  if (end > at + 1) {
    for (let i = end; i > at + 1; i--) out[i] = out[i - 1]!;
    out[at + 1] = POINT;
    behind = end + 1;
  }
  out[behind++] = LOWER_E;
  out[behind++] = point > 0 ? 43 : MINUS;
  return writeInteger(out, behind, Math.abs(point - 1));
}

function writeZero(out: Uint8Array, at: number, value: number): number {
  if (Object.is(value, -0)) out[at++] = MINUS;
  out[at++] = ZERO;
  return at;
}

/** Writes one value in a channel's data type; a 64-bit integer is `big`, in quotes. */
export function writeSample(
  out: Uint8Array,
  at: number,
  dataType: DataType,
  value: number,
  big: bigint,
): number {
  switch (dataType) {
    case "float32":
      return writeFloat32(out, at, value);
    case "float64":
      return writeFloat64(out, at, value);
    case "int64":
    case "uint64":
      return writeAscii(out, at, `"${big}"`);
    default:
      return writeInteger(out, at, value);
  }
}
