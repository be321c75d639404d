// A channel's samples of a row, compressed: once, whatever number of selections and timelines hold the channel.
// Invariant: what is kept belongs to blocks by their positions in the ring, which are never used again for others.
import lz4 from "lz4js";
import { constants, zstdCompressSync } from "node:zlib";
import type { Codec } from "../arrow/compressed_batch.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { Channel } from "../channels/channel.ts";
import { deflatedPiece } from "./gzip.ts";
import type { Column } from "./row_plan.ts";

/** A deflated piece ends on a byte and is never the last of a stream; the others are a frame each. */
export type PackWay = Codec | "deflate";

/** Fewer bytes stay as they are: a call costs 15 to 60 µs. */
const PACK_BYTES_MIN = 128;
/** What packing must spare to pay: a tenth, and more than its frame costs a row. */
const SPARED_BYTES_MIN = 32;
const SPARED_PART_MIN = 0.1;
/** Rows that are kept: timelines that wait for a late partition are a little behind others. */
const ROWS_KEPT = 4;
/** Blocks that are not tried behind one that did not pay: twice as many each time, up to this. */
const UNTRIED_BLOCKS_MAX = 255;
/** Above 1 it costs more and spares no more of blocks this small: decision 0016. */
const ZSTD = { [constants.ZSTD_c_compressionLevel]: 1 };
/** Room for a frame around samples that hardly pack. */
const FRAME_BYTES_MAX = 64;

interface Kept {
  /** Of each block of the row; −1 where it is missing. */
  readonly positions: Float64Array;
  packed: Uint8Array | null;
}

/** One channel, packed one way. */
export class SamplePack {
  /** Times samples were compressed. */
  made = 0;
  readonly #partition: PartitionBlocks;
  readonly #way: PackWay;
  readonly #kept: readonly Kept[];
  #oldest = 0;
  readonly #asked: Float64Array;
  /** Of a row without any of the channel's blocks: zeros. */
  #absent: Uint8Array | null | undefined;
  #misses = 0;
  #untried = 0;

  /** `ratio`: blocks in a row. */
  constructor(partition: PartitionBlocks, ratio: number, way: PackWay) {
    this.#partition = partition;
    this.#way = way;
    this.#asked = new Float64Array(ratio);
    this.#kept = Array.from({ length: ROWS_KEPT }, () => ({
      positions: new Float64Array(ratio).fill(NaN),
      packed: null,
    }));
  }

  /** The samples of a row as `samples` has them, zeros where blocks are missing; null when packing does not pay. */
  of(row: number, samples: Uint8Array, isFill: boolean): Uint8Array | null {
    if (samples.byteLength < PACK_BYTES_MIN) return null;
    const asked = this.#asked;
    const ratio = asked.length;
    let isAbsent = true;
    for (let k = 0; k < ratio; k++) {
      asked[k] = isFill ? -1 : this.#partition.locate(row * ratio + k);
      if (asked[k]! >= 0) isAbsent = false;
    }
    if (isAbsent) {
      if (this.#absent === undefined) this.#absent = this.#pack(samples);
      return this.#absent;
    }
    for (const { positions, packed } of this.#kept) {
      if (isSame(positions, asked)) return packed;
    }
    const kept = this.#kept[this.#oldest]!;
    this.#oldest = (this.#oldest + 1) % ROWS_KEPT;
    kept.positions.set(asked);
    kept.packed = this.#tried(samples);
    return kept.packed;
  }

  #tried(samples: Uint8Array): Uint8Array | null {
    if (this.#untried > 0) {
      this.#untried--;
      return null;
    }
    const packed = this.#pack(samples);
    if (packed !== null) this.#misses = 0;
    else {
      this.#misses++;
      this.#untried = Math.min(2 ** this.#misses - 1, UNTRIED_BLOCKS_MAX);
    }
    return packed;
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

function isSame(first: Float64Array, second: Float64Array): boolean {
  for (let i = 0; i < first.length; i++) {
    if (first[i] !== second[i]) return false;
  }
  return true;
}

const packsOf = new WeakMap<
  PartitionBlocks,
  WeakMap<Channel, Map<string, SamplePack>>
>();

/** The pack of a column, shared by all that read the same blocks. */
export function packOf(
  { partition, channel, ratio }: Column,
  way: PackWay,
): SamplePack {
  let channels = packsOf.get(partition);
  if (!channels) packsOf.set(partition, channels = new WeakMap());
  let packs = channels.get(channel);
  if (!packs) channels.set(channel, packs = new Map());
  const key = `${way} ${ratio}`;
  let pack = packs.get(key);
  if (!pack) packs.set(key, pack = new SamplePack(partition, ratio, way));
  return pack;
}

function compressed(bytes: Uint8Array, way: PackWay): Uint8Array {
  switch (way) {
    case "zstd":
      // Else 16 KiB are made, and kept, each time.
      return zstdCompressSync(bytes, {
        params: ZSTD,
        chunkSize: bytes.byteLength + FRAME_BYTES_MAX,
      });
    case "lz4":
      return Uint8Array.from(lz4.compress(bytes));
    case "deflate":
      return deflatedPiece(bytes);
  }
}
