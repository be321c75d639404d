// A channel's samples of a row, compressed: once, whatever number of selections hold the channel.
// Invariant: what is kept belongs to the blocks that were asked for last, by their positions in the ring.
import lz4 from "lz4js";
import { constants, deflateRawSync, zstdCompressSync } from "node:zlib";
import type { Codec } from "../arrow/compressed_batch.ts";
import type { Column } from "./row_plan.ts";

/** A deflated piece ends on a byte and is never the last of a stream; the others are a frame each. */
export type PackWay = Codec | "deflate";

/** Fewer bytes stay as they are: a call costs 15 to 60 µs. */
const PACK_BYTES_MIN = 128;
/** What packing must spare to pay: a tenth, and more than its frame costs a row. */
const SPARED_BYTES_MIN = 32;
const SPARED_PART_MIN = 0.1;
/** Blocks that are not tried behind one that did not pay: twice as many each time, up to this. */
const UNTRIED_BLOCKS_MAX = 255;
/** Above 1 it costs more and spares no more of blocks this small: decision 0016. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
export const DEFLATE = { level: 3, finishFlush: constants.Z_SYNC_FLUSH };

/** One column, packed one way. */
export class SamplePack {
  /** Times samples were compressed. */
  made = 0;
  readonly #column: Column;
  readonly #way: PackWay;
  readonly #positions: Float64Array;
  #packed: Uint8Array | null = null;
  /** Of a row without any of the column's blocks: zeros. */
  #absent: Uint8Array | null | undefined;
  #misses = 0;
  #untried = 0;

  constructor(column: Column, way: PackWay) {
    this.#column = column;
    this.#way = way;
    this.#positions = new Float64Array(column.ratio).fill(NaN);
  }

  /** The samples of a row as `samples` has them, zeros where blocks are missing; null when packing does not pay. */
  of(row: number, samples: Uint8Array, isFill: boolean): Uint8Array | null {
    if (samples.byteLength < PACK_BYTES_MIN) return null;
    const { partition, ratio } = this.#column;
    const positions = this.#positions;
    let isKnown = true;
    let isAbsent = true;
    for (let k = 0; k < ratio; k++) {
      const position = isFill ? -1 : partition.locate(row * ratio + k);
      if (position >= 0) isAbsent = false;
      if (positions[k] === position) continue;
      positions[k] = position;
      isKnown = false;
    }
    if (isKnown) return this.#packed;
    if (isAbsent) {
      if (this.#absent === undefined) this.#absent = this.#pack(samples);
      return this.#packed = this.#absent;
    }
    if (this.#untried > 0) {
      this.#untried--;
      return this.#packed = null;
    }
    this.#packed = this.#pack(samples);
    if (this.#packed !== null) this.#misses = 0;
    else {
      this.#misses++;
      this.#untried = Math.min(2 ** this.#misses - 1, UNTRIED_BLOCKS_MAX);
    }
    return this.#packed;
  }

  #pack(samples: Uint8Array): Uint8Array | null {
    this.made++;
    const packed = compressed(samples, this.#way);
    const spared = samples.byteLength - packed.byteLength;
    const isWorthIt = spared >= SPARED_BYTES_MIN &&
      spared >= SPARED_PART_MIN * samples.byteLength;
    return isWorthIt ? packed : null;
  }
}

const packsOf = new WeakMap<Column, Partial<Record<PackWay, SamplePack>>>();

/** The pack of a column that all selections share. */
export function packOf(column: Column, way: PackWay): SamplePack {
  let known = packsOf.get(column);
  if (!known) packsOf.set(column, known = {});
  return known[way] ??= new SamplePack(column, way);
}

function compressed(bytes: Uint8Array, way: PackWay): Uint8Array {
  switch (way) {
    case "zstd":
      return zstdCompressSync(bytes, ZSTD);
    case "lz4":
      return Uint8Array.from(lz4.compress(bytes));
    case "deflate":
      return deflateRawSync(bytes, DEFLATE);
  }
}
