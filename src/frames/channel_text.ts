// The JSON text of one channel in one row: `"name":[…]`.
// Invariant: it is made once per row, however many selections have the channel.
import type { MissReason } from "../blocks/miss_reason.ts";
import { SAMPLE_ARRAYS } from "../channels/sample_arrays.ts";
import type { ColumnSamples } from "./column_samples.ts";
import {
  writeAscii,
  writeFloat32,
  writeFloat64,
  writeInteger,
} from "./number_text.ts";
import type { Column } from "./row_plan.ts";
import { textBytesMax } from "./row_size.ts";
import type { TextArena } from "./text_arena.ts";

const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
const QUOTE = 34;
const NO_BYTES = new Uint8Array(0);

/** Texts of so many rows are kept while selections are encoded several rows at once. */
const KEPT_ROWS = 8;

/** A text of another row than the newest. */
interface KeptText {
  readonly row: number;
  readonly generation: number;
  readonly bytes: Uint8Array;
  readonly stamp: number;
  readonly missing: MissReason | null;
}

/** The newest text of one column; shared by the selections that have it. */
export class ChannelText {
  readonly column: Column;
  /** The text, a view into the arena; valid until the next text of any channel is made. */
  bytes: Uint8Array = NO_BYTES;
  /** Number of the text in its arena: another text has another one. */
  stamp = -1;
  /** Why the channel is null; null if it is not, or if its block arrived without it. */
  missing: MissReason | null = null;
  readonly #samples: ColumnSamples;
  readonly #arena: TextArena;
  /** Row and arena generation of the text; −1 when it must not be used again. */
  #row = -1;
  #generation = -1;
  /** By row modulo its length; null while one row is made at a time. */
  #kept: (KeptText | undefined)[] | null = null;

  constructor(samples: ColumnSamples, arena: TextArena) {
    this.column = samples.column;
    this.#samples = samples;
    this.#arena = arena;
  }

  /** Makes the text of a row, unless `bytes` is that text already. `isFill`: the channel is null. */
  make(row: number, isFill: boolean): void {
    const arena = this.#arena;
    if (this.#row === row && this.#generation === arena.generation && !isFill) {
      return;
    }
    if (!arena.keepsRows) this.#kept = null;
    else if (!isFill && this.#restore(row)) return;
    const { column } = this;
    const { key, blockBytes, ratio, rowSamples, channel } = column;
    const textMax = key.byteLength + textBytesMax(channel.dataType, rowSamples);
    const start = arena.reserve(textMax);
    const out = arena.bytes;
    out.set(key, start);
    let at = start + key.byteLength;
    this.missing = null;
    const samples = arena.samples(blockBytes * ratio);
    if (isFill || this.#samples.copy(row, samples, 0) === 0) {
      at = writeAscii(out, at, "null");
      this.missing = isFill ? null : whyMissing(column, row);
    } else at = writeList(out, at, this.#samples, samples);
    arena.used = at;
    this.#row = isFill ? -1 : row;
    this.#generation = arena.generation;
    this.stamp = ++arena.stamp;
    this.bytes = out.subarray(start, at);
    if (arena.keepsRows && !isFill) this.#keep(row);
  }

  /** Makes a kept text the newest one; false where the row's is not kept. */
  #restore(row: number): boolean {
    const kept = this.#kept?.[row % KEPT_ROWS];
    const { generation } = this.#arena;
    if (kept?.row !== row || kept.generation !== generation) return false;
    this.#row = row;
    this.#generation = generation;
    this.bytes = kept.bytes;
    this.stamp = kept.stamp;
    this.missing = kept.missing;
    return true;
  }

  #keep(row: number): void {
    const { bytes, stamp, missing } = this;
    const { generation } = this.#arena;
    this.#kept ??= new Array(KEPT_ROWS);
    this.#kept[row % KEPT_ROWS] = { row, generation, bytes, stamp, missing };
  }
}

function whyMissing(column: Column, row: number): MissReason | null {
  const { partition, ratio } = column;
  for (let k = 0; k < ratio; k++) {
    const index = row * ratio + k;
    if (partition.locate(index) < 0) return partition.missReasonOf(index);
  }
  return null;
}

/** Writes the list of a row's samples; those of a block that is missing are null. */
function writeList(
  out: Uint8Array,
  at: number,
  { column, present }: ColumnSamples,
  samples: Uint8Array,
): number {
  const count = column.entry.blockSamples;
  out[at++] = OPEN;
  for (let block = 0; block < present.length; block++) {
    if (block > 0) out[at++] = COMMA;
    const from = block * count;
    at = present[block] === 1
      ? writeSamples(out, at, column, samples, from, from + count)
      : writeAscii(out, at, "null,".repeat(count - 1) + "null");
  }
  out[at++] = CLOSE;
  return at;
}

/** Writes samples `from` to `to`, commas between them. */
function writeSamples(
  out: Uint8Array,
  at: number,
  column: Column,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  const buffer = bytes.buffer as ArrayBuffer;
  const { dataType } = column.channel;
  switch (dataType) {
    case "float32": {
      const values = new Float32Array(buffer, 0, to);
      for (let i = from; i < to; i++) {
        if (i > from) out[at++] = COMMA;
        at = writeFloat32(out, at, values[i]!);
      }
      break;
    }
    case "float64": {
      const values = new Float64Array(buffer, 0, to);
      for (let i = from; i < to; i++) {
        if (i > from) out[at++] = COMMA;
        at = writeFloat64(out, at, values[i]!);
      }
      break;
    }
    case "int64":
    case "uint64": {
      const values = new SAMPLE_ARRAYS[dataType](buffer, 0, to);
      for (let i = from; i < to; i++) {
        if (i > from) out[at++] = COMMA;
        out[at++] = QUOTE;
        at = writeAscii(out, at, String(values[i]!));
        out[at++] = QUOTE;
      }
      break;
    }
    // One loop for at most four types of arrays: a loop that has seen more is many times as slow.
    case "int32":
    case "uint32": {
      const values = new SAMPLE_ARRAYS[dataType](buffer, 0, to);
      for (let i = from; i < to; i++) {
        if (i > from) out[at++] = COMMA;
        at = writeInteger(out, at, values[i]!);
      }
      break;
    }
    default: {
      const values = new SAMPLE_ARRAYS[dataType](buffer, 0, to);
      for (let i = from; i < to; i++) {
        if (i > from) out[at++] = COMMA;
        at = writeInteger(out, at, values[i]!);
      }
    }
  }
  return at;
}
