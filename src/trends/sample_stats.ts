// Min, max, sum and count of one block's samples, read in place from the page ring.
// Invariant: NaN is ignored, as in numpy's nanmin, nanmean and nanmax; a sum of 64-bit integers is rounded only once.
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import type { PageRing } from "../memory/page_ring.ts";

/** Statistics of some samples. Without samples, `count` is 0, and `min` and `max` mean nothing. */
export interface SampleStats {
  min: number;
  max: number;
  /** For int64, which a double cannot represent: used instead of `min` and `max`. */
  minBig: bigint;
  maxBig: bigint;
  sum: number;
  count: number;
}

/** Statistics to read into. */
export function newSampleStats(): SampleStats {
  return { min: 0, max: 0, minBig: 0n, maxBig: 0n, sum: 0, count: 0 };
}

const ARRAYS = {
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;
type NumberArray =
  | Int16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

const TWO_32 = 4_294_967_296;

/** Reads samples of one data type in one ring. */
export class StatsReader {
  readonly #ring: PageRing;
  readonly #dataType: DataType;
  readonly #width: number;
  readonly #isBig: boolean;
  /** The whole ring as samples; for int64 as 32-bit halves, low word first. */
  readonly #samples: NumberArray;

  constructor(ring: PageRing, dataType: DataType) {
    this.#ring = ring;
    this.#isBig = dataType === "int64";
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
    if (samples instanceof Float32Array) readFloat32(samples, from, to, out);
    else if (samples instanceof Float64Array) {
      readFloat64(samples, from, to, out);
    } else if (!this.#isBig) readIntegers(samples, from, to, out);
    else readInt64(samples as Int32Array, 2 * from, 2 * to, out);
  }
}

function viewOf(dataType: DataType, bytes: Uint8Array): NumberArray {
  const { byteOffset, byteLength } = bytes;
  const buffer = bytes.buffer as ArrayBuffer;
  if (dataType === "int64") {
    return new Int32Array(buffer, byteOffset, Math.floor(byteLength / 4));
  }
  const count = Math.floor(byteLength / SAMPLE_BYTES[dataType]);
  return new ARRAYS[dataType](buffer, byteOffset, count);
}

// One loop per float type: a shared loop takes twice as long once it has seen both types.

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

function readIntegers(
  samples: Int16Array | Int32Array | Uint32Array,
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

/** `from` and `to` count halves. Both sums of halves are exact for up to 2^21 samples. */
function readInt64(
  halves: Int32Array,
  from: number,
  to: number,
  out: SampleStats,
): void {
  let minHigh = Infinity;
  let minLow = 0;
  let maxHigh = -Infinity;
  let maxLow = 0;
  let sumHigh = 0;
  let sumLow = 0;
  for (let i = from; i < to; i += 2) {
    const low = halves[i]! >>> 0;
    const high = halves[i + 1]!;
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
  out.count = (to - from) / 2;
  out.sum = sumHigh * TWO_32 + sumLow;
  if (out.count === 0) return;
  out.minBig = (BigInt(minHigh) << 32n) | BigInt(minLow);
  out.maxBig = (BigInt(maxHigh) << 32n) | BigInt(maxLow);
}
