// Rows as Server-Sent Events: JSON text, or base64 of the Arrow message.
// Invariant: a channel's JSON text of a row is made once, whatever number of selections hold the channel.
import { BatchTemplates } from "../arrow/row_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import { Growth } from "../memory/allocation_meter.ts";
import type { Slab } from "../memory/slab.ts";
import { ArrowRows, copySamples, type RowEncoder } from "./row_messages.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import {
  writeAscii,
  writeFloat32,
  writeFloat64,
  writeInteger,
} from "./number_text.ts";
import type { MissReason } from "../blocks/partition_blocks.ts";
import type { Column } from "./row_plan.ts";
import { HEAD_BYTES, jsonRowBytesMax, textBytesMax } from "./row_size.ts";

const encoder = new TextEncoder();

const ARENA_BYTES = 4 * 1024 * 1024;
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
const QUOTE = 34;

/** Text made in the current rows: fragments by channel, and scratch for one whole row. One per process. */
export class TextScratch {
  generation = 0;
  /** Grows with every text that is made. */
  stamp = 0;
  /** Texts deflated. */
  deflated = 0;
  arena = new Uint8Array(ARENA_BYTES);
  arenaUsed = 0;
  row = new Uint8Array(ARENA_BYTES);
  /** What stands between channels. */
  readonly glue = new Uint8Array(HEAD_BYTES);
  /** Samples of one channel and row, aligned for any type. */
  samples = new Uint8Array(64 * 1024);
  readonly #growth: Growth;

  constructor(growth: Growth = new Growth()) {
    this.#growth = growth;
  }

  /** Forgets all text: what was made of a row may not hold any more. */
  forget(): void {
    this.generation++;
    this.arenaUsed = 0;
  }

  /** Room for `bytes` in the arena; everything in it is forgotten when it is full. */
  room(bytes: number): number {
    if (this.arenaUsed + bytes > this.arena.byteLength) {
      this.forget();
      if (bytes > this.arena.byteLength) this.arena = this.#growth.make(bytes);
    }
    return this.arenaUsed;
  }

  /** The row buffer with at least this size; what was written so far is kept. */
  grow(bytes: number): Uint8Array {
    if (bytes > this.row.byteLength) {
      const length = Math.max(bytes, 2 * this.row.byteLength);
      this.row = this.#growth.longer(this.row, () => new Uint8Array(length));
    }
    return this.row;
  }

  sampleRoom(bytes: number): Uint8Array {
    if (bytes > this.samples.byteLength) {
      this.samples = this.#growth.make(bytes);
    }
    return this.samples;
  }
}

/** JSON events of one selection. */
export class JsonEventRows implements RowEncoder {
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #timeline: Timeline;
  readonly #columns: readonly Column[];
  readonly #slab: Slab;
  readonly #scratch: TextScratch;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    slab: Slab,
    scratch: TextScratch,
  ) {
    this.#timeline = timeline;
    this.#columns = columns;
    this.#slab = slab;
    this.#scratch = scratch;
    this.frameBytes = columns.reduce(
      (sum, column) => sum + column.key.byteLength + 12 * column.rowSamples,
      HEAD_BYTES,
    );
    this.frameBytesMax = jsonRowBytesMax(columns.map((column) => ({
      dataType: column.channel.dataType,
      samples: column.rowSamples,
      keyBytes: column.key.byteLength,
    })));
  }

  encode(row: number, isFill = false): Frame | null {
    const scratch = this.#scratch;
    const columns = this.#columns;
    let out: Uint8Array = scratch.row;
    let missing = false;
    let at = writeRowHead(out, this.#timeline, row);
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      makeText(column, row, scratch, isFill);
      const { text } = column;
      out = scratch.grow(at + text.byteLength + 8);
      if (i > 0) out[at++] = COMMA;
      out.set(text, at);
      at += text.byteLength;
      if (column.missing !== null) missing = true;
    }
    const tail = writeRowTail(columns, missing);
    out = scratch.grow(at + tail.byteLength);
    out.set(tail, at);
    at += tail.byteLength;
    const frame = Frame.claim(this.#slab, at);
    frame?.chunk.set(out.subarray(0, at), ENVELOPE_HEAD_BYTES);
    return frame;
  }
}

/** Events whose data is the base64 of the record batch message. */
export class ArrowEventRows implements RowEncoder {
  readonly arrow: ArrowRows;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #timeline: Timeline;
  readonly #slab: Slab;
  readonly #scratch: TextScratch;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    slab: Slab,
    scratch: TextScratch,
    batches: BatchTemplates = new BatchTemplates(),
  ) {
    this.arrow = new ArrowRows(timeline, columns, slab, batches);
    this.#timeline = timeline;
    this.#slab = slab;
    this.#scratch = scratch;
    this.frameBytes = 4 * Math.ceil(this.arrow.template.byteLength / 3) + 64;
    this.frameBytesMax = this.frameBytes;
  }

  encode(row: number, isFill = false): Frame | null {
    const bytes = this.arrow.template.byteLength;
    const message = this.#scratch.sampleRoom(bytes);
    this.arrow.fill(row, message, 0, isFill);
    const out = this.#scratch.grow(this.frameBytes);
    let at = writeEventHead(out, this.#timeline, row);
    at = writeAscii(out, at, message.subarray(0, bytes).toBase64());
    at = writeAscii(out, at, "\n\n");
    const frame = Frame.claim(this.#slab, at);
    frame?.chunk.set(out.subarray(0, at), ENVELOPE_HEAD_BYTES);
    return frame;
  }
}

/** What stands before the first channel of a JSON row, at most `HEAD_BYTES`. */
export function writeRowHead(
  out: Uint8Array,
  timeline: Timeline,
  row: number,
): number {
  const at = writeEventHead(out, timeline, row);
  const time = timeline.startNs(row);
  return writeAscii(out, at, `{"time":"${time}","channels":{`);
}

const WHOLE_TAIL = encoder.encode("}}\n\n");

/** What stands behind the last channel: why channels are null, if any are for a reason. */
export function writeRowTail(
  columns: readonly Column[],
  isMissing: boolean,
): Uint8Array {
  if (!isMissing) return WHOLE_TAIL;
  const reasons = columns.filter((c) => c.missing !== null).map((c) => [
    c.channel.name,
    c.missing,
  ]);
  const missing = JSON.stringify(Object.fromEntries(reasons));
  return encoder.encode(`},"missing":${missing}}\n\n`);
}

function writeEventHead(
  out: Uint8Array,
  timeline: Timeline,
  row: number,
): number {
  return writeAscii(out, 0, `id: ${timeline.endNsText(row)}\ndata: `);
}

/** Makes `"name":[…]` of a row in the arena, and a view of it, unless it is there already. */
export function makeText(
  column: Column,
  row: number,
  scratch: TextScratch,
  isFill: boolean,
): void {
  if (
    column.textRow === row && column.textGeneration === scratch.generation &&
    !isFill
  ) return;
  const { key, blockBytes, ratio, place, present } = column;
  const { channel: { dataType }, rowSamples } = column;
  let at = scratch.room(key.byteLength + textBytesMax(dataType, rowSamples));
  const out = scratch.arena;
  const start = at;
  out.set(key, at);
  at += key.byteLength;
  const samples = scratch.sampleRoom(blockBytes * ratio);
  column.missing = null;
  if (isFill || copySamples(column, row, samples, 0) === 0) {
    at = writeAscii(out, at, "null");
    column.missing = isFill ? null : whyMissing(column, row);
  } else {
    const count = place.blockSamples;
    out[at++] = OPEN;
    for (let part = 0; part < ratio; part++) {
      if (part > 0) out[at++] = COMMA;
      const first = part * count;
      at = present[part] === 1
        ? writeSamples(out, at, column, samples, first, first + count)
        : writeAscii(out, at, "null,".repeat(count - 1) + "null");
    }
    out[at++] = CLOSE;
  }
  scratch.arenaUsed = at;
  column.textRow = isFill ? -1 : row;
  column.textGeneration = scratch.generation;
  column.textStamp = ++scratch.stamp;
  column.text = out.subarray(start, at);
}

function whyMissing(column: Column, row: number): MissReason | null {
  const { partition, ratio } = column;
  for (let k = 0; k < ratio; k++) {
    const index = row * ratio + k;
    if (partition.locate(index) < 0) return partition.missReasonOf(index);
  }
  return null;
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
  const { buffer } = bytes;
  switch (column.channel.dataType) {
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
    case "int64": {
      const values = new BigInt64Array(buffer, 0, to);
      for (let i = from; i < to; i++) {
        if (i > from) out[at++] = COMMA;
        out[at++] = QUOTE;
        at = writeAscii(out, at, String(values[i]!));
        out[at++] = QUOTE;
      }
      break;
    }
    default: {
      const { dataType } = column.channel;
      const values = dataType === "int16"
        ? new Int16Array(buffer, 0, to)
        : dataType === "int32"
        ? new Int32Array(buffer, 0, to)
        : new Uint32Array(buffer, 0, to);
      for (let i = from; i < to; i++) {
        if (i > from) out[at++] = COMMA;
        at = writeInteger(out, at, values[i]!);
      }
    }
  }
  return at;
}
