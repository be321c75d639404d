// The memory in which several threads count what their clients hold, and where each thing lies in it.
// Invariant: an entry is in use exactly while a worker's column in it is above 0. Zeroed memory is an empty table.
import { HASH_WORDS } from "./holder_hash.ts";

/** Shared memory, to be sent to other threads. */
export interface ShareMemory {
  readonly bytes: SharedArrayBuffer;
  readonly workers: number;
  readonly pools: number;
  /** Entries: a holder has one in each pool of which it holds something. */
  readonly entriesMax: number;
  /** Secret. */
  readonly hashKeys: readonly number[];
}

/** One worker's part of it, from its start to its end. */
export interface ShareColumn {
  readonly memory: ShareMemory;
  /** From 0 on. */
  readonly worker: number;
  /** How many workers with this number have ended. */
  readonly epoch: number;
}

/** Memory for so many workers, pools and entries. */
export function newShareMemory(
  sizes: Pick<ShareMemory, "workers" | "pools" | "entriesMax">,
): ShareMemory {
  const { byteLength } = new ShareViews(sizes);
  return {
    ...sizes,
    bytes: new SharedArrayBuffer(byteLength),
    hashKeys: [...crypto.getRandomValues(new Int32Array(HASH_WORDS))],
  };
}

// Words of `control`.
export const LOCK = 0;
/** First entry that is free again, and the number of entries that were ever in use. */
export const FREE = 1;
export const FRESH = 2;
const CONTROL_WORDS = 4;
/** Of those that wait, by pool and worker: see {@linkcode WaitNotice}. */
const WAITS = 2;

/** The arrays of a memory. A reference to an entry is its index + 1; 0: none. */
export class ShareViews {
  readonly byteLength: number;
  /** Streams that all workers have opened. */
  readonly opened: BigInt64Array<SharedArrayBuffer>;
  /** By pool and worker. */
  readonly used: Float64Array<SharedArrayBuffer>;
  /** By entry and worker. */
  readonly held: Float64Array<SharedArrayBuffer>;
  readonly control: Int32Array<SharedArrayBuffer>;
  /** Entries in use, by pool. */
  readonly sizes: Int32Array<SharedArrayBuffer>;
  /** By worker. */
  readonly epochs: Int32Array<SharedArrayBuffer>;
  /** Two words by pool and worker. */
  readonly waits: Int32Array<SharedArrayBuffer>;
  /** The first entry of each chain. Their number is a power of 2. */
  readonly heads: Int32Array<SharedArrayBuffer>;
  /** By entry: the next one of its chain, or of the free ones; its pool; its hash. */
  readonly next: Int32Array<SharedArrayBuffer>;
  readonly poolOf: Int32Array<SharedArrayBuffer>;
  readonly hashes: Int32Array<SharedArrayBuffer>;

  /** Without `bytes`, it has no arrays of use, and only `byteLength`. */
  constructor(
    { bytes, workers, pools, entriesMax }:
      & Pick<ShareMemory, "workers" | "pools" | "entriesMax">
      & { readonly bytes?: SharedArrayBuffer },
  ) {
    let at = 0;
    const place = (words: number, wordBytes: number): [number, number] => {
      const from = at;
      at += words * wordBytes;
      return bytes === undefined ? [0, 0] : [from, words];
    };
    const memory = bytes ?? new SharedArrayBuffer(0);
    const int32 = (words: number) =>
      new Int32Array(memory, ...place(words, Int32Array.BYTES_PER_ELEMENT));
    const float64 = (words: number) =>
      new Float64Array(memory, ...place(words, Float64Array.BYTES_PER_ELEMENT));
    this.opened = new BigInt64Array(
      memory,
      ...place(1, BigInt64Array.BYTES_PER_ELEMENT),
    );
    this.used = float64(pools * workers);
    this.held = float64(entriesMax * workers);
    this.control = int32(CONTROL_WORDS);
    this.sizes = int32(pools);
    this.epochs = int32(workers);
    this.waits = int32(WAITS * pools * workers);
    this.heads = int32(2 ** Math.ceil(Math.log2(Math.max(1, entriesMax))));
    this.next = int32(entriesMax);
    this.poolOf = int32(entriesMax);
    this.hashes = int32(HASH_WORDS * entriesMax);
    this.byteLength = at;
  }
}

/** The chain of an entry: its index in `heads`. `hash`: the first word of the holder's. */
export function chainOf(
  heads: Int32Array,
  pool: number,
  hash: number,
): number {
  return (hash + pool) & (heads.length - 1);
}

/** No entry, as a reference to one. */
export const NONE = 0;
