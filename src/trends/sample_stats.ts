// Min, max, sum and count of one block's samples, read in place from the page ring.
// Invariant: NaN is ignored, as in numpy's nanmin, nanmean and nanmax; a sum of 64-bit integers is rounded only once.
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import { is64Bit, SAMPLE_ARRAYS } from "../channels/sample_arrays.ts";
import type { Ring } from "../memory/ring.ts";

/** Statistics of some samples. Without samples, `count` is 0, and `min` and `max` mean nothing. */
export interface SampleStats {
  min: number;
  max: number;
  /** For 64-bit integers, which a double cannot represent: used instead of `min` and `max`. */
  minBig: bigint;
  maxBig: bigint;
  sum: number;
  count: number;
}

/** Statistics to read into. */
export function newSampleStats(): SampleStats {
  return { min: 0, max: 0, minBig: 0n, maxBig: 0n, sum: 0, count: 0 };
}

type ShortArray = Int8Array | Uint8Array | Int16Array | Uint16Array;
type WordArray = Int32Array | Uint32Array;
type NumberArray = ShortArray | WordArray | Float32Array | Float64Array;

const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;

/** Reads samples of one data type in one ring. */
export class StatsReader {
  readonly #ring: Ring;
  readonly #dataType: DataType;
  readonly #width: number;
  /** The whole ring as samples; 64-bit integers as 32-bit halves, low word first. */
  readonly #samples: NumberArray;

  constructor(ring: Ring, dataType: DataType) {
    this.#ring = ring;
    this.#width = SAMPLE_BYTES[dataType];
    this.#samples = viewOf(dataType, ring.bytes);
    this.#dataType = dataType;
  }

  /** Reads the statistics of `count` samples from `byteOffset` of the ring on. */
  read(byteOffset: number, count: number, out: SampleStats): void {
    const width = this.#width;
    let samples = this.#samples;
    let from = byteOffset / width;
    if (byteOffset % width !== 0) {
      const { bytes } = this.#ring;
      const copy = bytes.slice(byteOffset, byteOffset + count * width);
      samples = viewOf(this.#dataType, copy);
      from = 0;
    }
    const to = from + count;
    switch (this.#dataType) {
      case "float32":
        return readFloat32(samples as Float32Array, from, to, out);
      case "float64":
        return readFloat64(samples as Float64Array, from, to, out);
      case "int64":
        return read64Bit(samples as Int32Array, 2 * from, 2 * to, out, 0);
      case "uint64":
        return read64Bit(samples as Int32Array, 2 * from, 2 * to, out, TWO_31);
      case "int32":
      case "uint32":
        return readWords(samples as WordArray, from, to, out);
      default:
        return readShorts(samples as ShortArray, from, to, out);
    }
  }
}

function viewOf(dataType: DataType, bytes: Uint8Array): NumberArray {
  const { byteOffset, byteLength } = bytes;
  const buffer = bytes.buffer as ArrayBuffer;
  if (is64Bit(dataType)) {
    return new Int32Array(buffer, byteOffset, Math.floor(byteLength / 4));
  }
  const count = Math.floor(byteLength / SAMPLE_BYTES[dataType]);
  return new SAMPLE_ARRAYS[dataType](buffer, byteOffset, count);
}

// One loop per float type, and two for integers: a shared loop takes twice as long once it has seen both float types,
// and many times as long after more than four types of arrays.

function readFloat32(
  samples: Float32Array,
  from: number,
  to: number,
  out: SampleStats,
): void {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (let i = from; i < to; i++) {
    const value = samples[i]!;
    if (value !== value) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
  }
  out.min = min;
  out.max = max;
  out.sum = sum;
  out.count = count;
}

function readFloat64(
  samples: Float64Array,
  from: number,
  to: number,
  out: SampleStats,
): void {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (let i = from; i < to; i++) {
    const value = samples[i]!;
    if (value !== value) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
  }
  out.min = min;
  out.max = max;
  out.sum = sum;
  out.count = count;
}

function readWords(
  samples: WordArray,
  from: number,
  to: number,
  out: SampleStats,
): void {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = samples[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  out.min = min;
  out.max = max;
  out.sum = sum;
  out.count = to - from;
}

function readShorts(
  samples: ShortArray,
  from: number,
  to: number,
  out: SampleStats,
): void {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = samples[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  out.min = min;
  out.max = max;
  out.sum = sum;
  out.count = to - from;
}

/**
 * `from` and `to` count halves. Both sums of halves are exact for up to 2^21 samples. `shift`: 0 for int64; 2^31 for
 * uint64, whose high halves less 2^31 are signed and have the same order.
 */
function read64Bit(
  halves: Int32Array,
  from: number,
  to: number,
  out: SampleStats,
  shift: number,
): void {
  const signBit = shift | 0;
  let minHigh = Infinity;
  let minLow = 0;
  let maxHigh = -Infinity;
  let maxLow = 0;
  let sumHigh = 0;
  let sumLow = 0;
  for (let i = from; i < to; i += 2) {
    const low = halves[i]! >>> 0;
    const high = halves[i + 1]! ^ signBit;
    if (high < minHigh || high === minHigh && low < minLow) {
      minHigh = high;
      minLow = low;
    }
    if (high > maxHigh || high === maxHigh && low > maxLow) {
      maxHigh = high;
      maxLow = low;
    }
    sumHigh += high;
    sumLow += low;
  }
  const count = (to - from) / 2;
  out.count = count;
  out.sum = (sumHigh + count * shift) * TWO_32 + sumLow;
  if (count === 0) return;
  out.minBig = (BigInt(minHigh + shift) << 32n) | BigInt(minLow);
  out.maxBig = (BigInt(maxHigh + shift) << 32n) | BigInt(maxLow);
}
