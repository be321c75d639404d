// A channel's samples of a row, packed once for all selections and timelines that have the channel.
// Invariant: kept results belong to blocks by their positions in the ring, which are never used for other blocks.
import lz4 from "lz4js";
import zlib from "node:zlib";
import type { Codec } from "../arrow/compressed_batch.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import { deflatedPiece } from "./gzip.ts";

/** A zstd or lz4 frame, or a deflated piece (see `gzip.ts`). */
export type PackMethod = Codec | "deflate";

/** Fewer bytes are not packed: a call costs 15 to 60 µs. */
const PACK_BYTES_MIN = 128;
/** Packing must save a tenth, and more bytes than a piece's head costs per row; otherwise samples stay as they are. */
const SAVED_BYTES_MIN = 32;
const SAVED_PART_MIN = 0.1;
/** Rows kept: timelines that wait for a late partition are a few rows behind others. */
const ROWS_KEPT = 4;
/** After a row for which packing did not pay, rows are skipped: twice as many each time, at most this many. */
const SKIPPED_ROWS_MAX = 255;
/** Null on runtimes whose zlib has no zstd: some edge runtimes, and Node before 22.15. */
const zstdCompressSync = zlib.zstdCompressSync ?? null;
/** The codecs of Arrow's buffers that this runtime has, the better one first. */
export const CODECS: readonly Codec[] = zstdCompressSync === null
  ? ["lz4"]
  : ["zstd", "lz4"];
/** Higher levels cost more and save no more in blocks of this size (docs/decisions/0016). */
const ZSTD = zstdCompressSync === null
  ? {}
  : { [zlib.constants.ZSTD_c_compressionLevel]: 1 };
/** Room for the frame around samples that zstd makes no shorter. */
const FRAME_BYTES_MAX = 64;

interface PackedRow {
  /** Position of each block of the row in the ring; −1 where it is missing. */
  readonly positions: Float64Array;
  /** Null where packing did not pay. */
  packed: Uint8Array | null;
}

/** The samples of one channel, packed by one method. */
export class SamplePack {
  /** How often samples were packed. */
  made = 0;
  readonly #partition: PartitionBlocks;
  readonly #method: PackMethod;
  readonly #kept: readonly PackedRow[];
  #oldest = 0;
  /** Positions of the row that is asked for. */
  readonly #positions: Float64Array;
  /** Of a row without any block of the channel, which is all zeros; undefined before there was one. */
  #packedZeros: Uint8Array | null | undefined;
  /** Rows in succession for which packing did not pay, and rows that are still to be skipped. */
  #failures = 0;
  #toSkip = 0;

  /** `ratio`: blocks per row. */
  constructor(partition: PartitionBlocks, ratio: number, method: PackMethod) {
    this.#partition = partition;
    this.#method = method;
    this.#positions = new Float64Array(ratio);
    this.#kept = Array.from({ length: ROWS_KEPT }, () => ({
      positions: new Float64Array(ratio).fill(NaN),
      packed: null,
    }));
  }

  /**
   * The packed samples of a row; null when packing does not pay. `samples`: those of all blocks of the row, zeros
   * where a block is missing. `isFill`: the row was sent as missing. The result is shared: read it only.
   */
  of(row: number, samples: Uint8Array, isFill: boolean): Uint8Array | null {
    if (samples.byteLength < PACK_BYTES_MIN) return null;
    const positions = this.#positions;
    const ratio = positions.length;
    let isAllMissing = true;
    for (let k = 0; k < ratio; k++) {
      positions[k] = isFill ? -1 : this.#partition.locate(row * ratio + k);
      if (positions[k]! >= 0) isAllMissing = false;
    }
    if (isAllMissing) {
      if (this.#packedZeros === undefined) {
        this.#packedZeros = this.#pack(samples);
      }
      return this.#packedZeros;
    }
    for (const kept of this.#kept) {
      if (isSame(kept.positions, positions)) return kept.packed;
    }
    const kept = this.#kept[this.#oldest]!;
    this.#oldest = (this.#oldest + 1) % ROWS_KEPT;
    kept.positions.set(positions);
    kept.packed = this.#tryToPack(samples);
    return kept.packed;
  }

  #tryToPack(samples: Uint8Array): Uint8Array | null {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return null;
    }
    const packed = this.#pack(samples);
    if (packed !== null) this.#failures = 0;
    else {
      this.#failures++;
      this.#toSkip = Math.min(2 ** this.#failures - 1, SKIPPED_ROWS_MAX);
    }
    return packed;
  }

  #pack(samples: Uint8Array): Uint8Array | null {
    this.made++;
    const packed = compressed(samples, this.#method);
    const savedBytes = samples.byteLength - packed.byteLength;
    const isWorthIt = savedBytes >= SAVED_BYTES_MIN &&
      savedBytes >= SAVED_PART_MIN * samples.byteLength;
    return isWorthIt ? packed : null;
  }
}

function isSame(first: Float64Array, second: Float64Array): boolean {
  for (let i = 0; i < first.length; i++) {
    if (first[i] !== second[i]) return false;
  }
  return true;
}

function compressed(bytes: Uint8Array, method: PackMethod): Uint8Array {
  switch (method) {
    case "zstd":
      // By default zlib allocates, and keeps, 16 KiB each time.
      return zstdCompressSync!(bytes, {
        params: ZSTD,
        chunkSize: bytes.byteLength + FRAME_BYTES_MAX,
      });
    case "lz4":
      return Uint8Array.from(lz4.compress(bytes));
    case "deflate":
      return deflatedPiece(bytes);
  }
}
