// The layout of one block in the page ring: a table that locates each channel's samples, then the message value.
// Invariant: a table takes at most 32 bytes for each row of its message, and a constant, whatever ids the message has.
import type { BlockLayout } from "../arrow/block_decoder.ts";
import {
  type Channel,
  DATA_TYPES,
  type DataType,
  samplesIn,
} from "../channels/channel.ts";

// A record in the ring, 64-byte aligned:
//   int32 word 0        number of ids, n (ids 0 … n−1); 0 where word 3 is not
//   int32 word 1        data type, index into DATA_TYPES
//   int32 word 2        byte offset of the message value, from the record's start
//   int32 word 3        number of entries of a sparse table; 0: the table is by id
//   int32 word 4        bytes of the message value
//   table by id:
//   int32 words 5+2·id  byte offset of the id's first sample, from the record's start; 0: not in this block
//   int32 words 6+2·id  number of samples
//   sparse table, where the ids are few and large, sorted by id:
//   int32 words 5+3·i   id, byte offset of its first sample, number of samples
//   then the message value, 64-byte aligned
const WORD_IDS = 0;
const WORD_TYPE = 1;
const WORD_VALUE = 2;
const WORD_SPARSE = 3;
const WORD_BYTES = 4;
const WORD_TABLE = 5;
/** Rows with larger ids are ignored: Arrakis puts about a hundred channels in a partition at most. */
const IDS_MAX = 65_536;
/**
 * A table by id has at most ENTRIES_MIN entries, plus ENTRIES_PER_ROW for each row of the message. A row takes at least
 * 16 bytes of the message, so the table is at most twice as large as the message. (Without this limit, 80 blocks of 640
 * bytes with the id 65,534 took 41 MB.)
 */
const ENTRIES_PER_ROW = 4;
const ENTRIES_MIN = 64;

/** What the entry of a channel must be, in the tables of its partition's blocks. */
export interface ChannelEntry {
  readonly partitionIndex: number;
  readonly typeCode: number;
  /** Samples of the channel in one block. */
  readonly blockSamples: number;
}

/** The entry of a channel. */
export function entryOf(channel: Channel): ChannelEntry {
  return {
    partitionIndex: channel.partitionIndex,
    typeCode: typeCodeOf(channel.dataType),
    blockSamples: Math.round(samplesIn(channel, channel.strideNs)),
  };
}

/** A data type as the number in a record. */
function typeCodeOf(dataType: DataType): number {
  return DATA_TYPES.indexOf(dataType);
}

/** The layout of a message's record. */
export interface RecordPlan {
  /** Byte offset of the message value. */
  readonly valueAt: number;
  /** Bytes of it. */
  readonly valueBytes: number;
  /** Entries of a table by id. */
  readonly ids: number;
  /** Rows of a sparse table, sorted by id; null where the table is by id. */
  readonly rows: readonly number[] | null;
}

/** Lays out the record of a message with so many bytes. */
export function planRecord(
  layout: BlockLayout,
  valueBytes: number,
): RecordPlan {
  let ids = 0;
  for (let row = 0; row < layout.rowCount; row++) {
    const id = layout.ids[row]!;
    if (id < IDS_MAX && id >= ids) ids = id + 1;
  }
  const isSparse = ids > ENTRIES_MIN + ENTRIES_PER_ROW * layout.rowCount;
  const rows = isSparse ? rowsById(layout) : null;
  const tableWords = rows === null ? 2 * ids : 3 * rows.length;
  const valueAt = (4 * (WORD_TABLE + tableWords) + 63) & ~63;
  return { valueAt, valueBytes, ids, rows };
}

/** Rows with samples, sorted by id; of rows with the same id only the last. */
function rowsById({ ids, lengths, rowCount }: BlockLayout): number[] {
  const rowOf = new Map<number, number>();
  for (let row = 0; row < rowCount; row++) {
    if (ids[row]! < IDS_MAX && lengths[row]! >= 0) rowOf.set(ids[row]!, row);
  }
  return [...rowOf.values()].sort((a, b) => ids[a]! - ids[b]!);
}

/** Writes a record's words from word `at` on, except the message value. */
export function writeRecord(
  words: Int32Array,
  at: number,
  { valueAt, valueBytes, ids, rows }: RecordPlan,
  layout: BlockLayout,
): void {
  const { starts, lengths } = layout;
  const table = at + WORD_TABLE;
  words[at + WORD_IDS] = rows === null ? ids : 0;
  words[at + WORD_TYPE] = typeCodeOf(layout.dataType);
  words[at + WORD_VALUE] = valueAt;
  words[at + WORD_BYTES] = valueBytes;
  words[at + WORD_SPARSE] = rows === null ? 0 : rows.length;
  if (rows !== null) {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      words[table + 3 * i] = layout.ids[row]!;
      words[table + 3 * i + 1] = valueAt + starts[row]!;
      words[table + 3 * i + 2] = lengths[row]!;
    }
    return;
  }
  words.fill(0, table, table + 2 * ids);
  for (let row = 0; row < layout.rowCount; row++) {
    const id = layout.ids[row]!;
    const samples = lengths[row]!;
    if (id >= IDS_MAX || samples < 0) continue;
    words[table + 2 * id] = valueAt + starts[row]!;
    words[table + 2 * id + 1] = samples;
  }
}

/** Where the message value of the record at byte offset `base` lies in the ring, bytes. */
export function recordValue(
  words: Int32Array,
  base: number,
): { readonly from: number; readonly to: number } {
  const at = base / 4;
  const from = base + words[at + WORD_VALUE]!;
  return { from, to: from + words[at + WORD_BYTES]! };
}

/**
 * Byte offset in the ring of a channel's samples in the record at byte offset `base`, or −1 when the block lacks the
 * channel, or holds it with another type or number of samples.
 */
export function recordSamplesAt(
  words: Int32Array,
  base: number,
  channel: ChannelEntry,
): number {
  // A division: a shift would cut a ring of 2 GiB and more to 32 bits.
  const at = base / 4;
  if (words[at + WORD_TYPE] !== channel.typeCode) return -1;
  let entry = at + WORD_TABLE + 2 * channel.partitionIndex;
  if (channel.partitionIndex >= words[at + WORD_IDS]!) {
    const sparse = sparseEntry(words, at, channel.partitionIndex);
    if (sparse < 0) return -1;
    entry = sparse;
  }
  const start = words[entry]!;
  if (start === 0 || words[entry + 1] !== channel.blockSamples) return -1;
  return base + start;
}

/** The word of a sparse table that has an id's byte offset; −1 where the id is missing. */
function sparseEntry(words: Int32Array, at: number, id: number): number {
  const count = words[at + WORD_SPARSE]!;
  const table = at + WORD_TABLE;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[table + 3 * middle]! < id) low = middle + 1;
    else high = middle;
  }
  const entry = table + 3 * low;
  return low < count && words[entry] === id ? entry + 1 : -1;
}
