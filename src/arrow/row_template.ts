// The bytes that the rows of a selection have in common: the schema message, and a record batch of one row in which
// every list, or every item of it, is null. Invariant: its length never changes; a row is a copy with time, samples and validity written in.
// The batch does not depend on names, so selections with equal types, sample counts and parts share it.
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import { finish, type SlicedWork } from "../channels/sliced_work.ts";
import { BatchMessage } from "./batch_message.ts";
import {
  type FieldNote,
  NO_NOTES,
  type SelectionNotes,
} from "./field_metadata.ts";
import { NotedSchema } from "./noted_schema.ts";
import { schemaInSlices, TIME } from "./schema_message.ts";
import type { StreamTemplate } from "./stream_template.ts";

/** The end of an IPC stream: continuation marker and a metadata length of 0. */
export const END_OF_STREAM: Uint8Array = Uint8Array.of(
  0xff,
  0xff,
  0xff,
  0xff,
  0,
  0,
  0,
  0,
);

/** One column of lists. */
export interface RowColumn {
  readonly name: string;
  readonly dataType: DataType;
  /** Text of the field's metadata `rate`, Hz. */
  readonly rate: string;
  /** Samples per row. */
  readonly samples: number;
  /** Blocks per row; with more than one, the samples of single blocks can be null. @default 1 */
  readonly parts?: number;
}

/**
 * How a batch is laid out. `plain`: a channel without samples is a null list. `flight`: it is a list of null items, since
 * Arrakis's client cannot read a null list; and the metadata ends with UNUSED_BYTES of which the sender makes use.
 */
export type BatchLayout = "plain" | "flight";

/** Bytes at the end of the metadata of a `flight` batch. */
export const UNUSED_BYTES = 8;

/** The encapsulated schema message of rows. `columns` sorted by name; `notes`: of the same columns. */
export function rowSchema(
  columns: readonly Pick<RowColumn, "name" | "dataType" | "rate">[],
  notes: readonly (FieldNote | null)[],
): SlicedWork<Uint8Array> {
  return schemaInSlices([
    TIME,
    ...columns.map(({ name, dataType, rate }, i) => ({
      name,
      dataType,
      isList: true,
      isNullable: true,
      rate,
      note: notes[i] ?? null,
    })),
  ]);
}

/** The batch templates in use, by what their bytes depend on. One per process. */
export class BatchTemplates {
  readonly #known = new Map<string, WeakRef<BatchTemplate>>();
  #sweepAt = 64;

  /** The template for these columns; made when no selection in use has an equal one. */
  of(columns: readonly RowColumn[], layout: BatchLayout): BatchTemplate {
    const key = `${layout} ${columns.map(shapeOf).join(" ")}`;
    const known = this.#known.get(key)?.deref();
    if (known) return known;
    const made = new BatchTemplate(columns, layout);
    this.#known.set(key, new WeakRef(made));
    if (this.#known.size >= this.#sweepAt) this.#sweep();
    return made;
  }

  /** Templates that are known, collected ones included. */
  get size(): number {
    return this.#known.size;
  }

  #sweep(): void {
    for (const [key, made] of this.#known) {
      if (made.deref() === undefined) this.#known.delete(key);
    }
    this.#sweepAt = Math.max(64, 2 * this.#known.size);
  }
}

/** What the batch depends on in a column. */
function shapeOf({ dataType, samples, parts = 1 }: RowColumn): string {
  return `${dataType}/${samples}/${parts}`;
}

/** Template of a selection: `time: int64 not null`, then one `list<T>` per channel. */
export class RowTemplate implements StreamTemplate {
  readonly #batch: BatchTemplate;
  readonly #schema: NotedSchema;

  /** `columns` sorted by name; `notes`: of the same columns. */
  constructor(
    columns: readonly RowColumn[],
    batches = new BatchTemplates(),
    layout: BatchLayout = "plain",
    notes: SelectionNotes = NO_NOTES,
  ) {
    this.#batch = batches.of(columns, layout);
    this.#schema = new NotedSchema(
      notes,
      (found) => finish(rowSchema(columns, found)),
    );
  }

  /** Bytes of the prefix and the metadata of every row's message. */
  get headBytes(): number {
    return this.#batch.headBytes;
  }

  /** Whether the samples of a column can be null one by one. */
  hasNullableSamples(column: number): boolean {
    return this.#batch.hasNullableSamples(column);
  }

  /** Encapsulated schema message. */
  get schemaMessage(): Uint8Array {
    return this.#schema.message;
  }

  /** Encapsulated record batch of no rows. */
  get emptyBatch(): Uint8Array {
    return this.#batch.emptyBatch;
  }

  /** Bytes of every row's message. */
  get byteLength(): number {
    return this.#batch.byteLength;
  }

  /** Writes a row without samples to `target`, from byte offset `at` on. `timeNs`: its start, GPS ns. */
  begin(target: Uint8Array, at: number, timeNs: bigint): void {
    this.#batch.begin(target, at, timeNs);
  }

  /** Byte offset of a column's samples, counted from the start of the message. */
  valuesByteOffset(column: number): number {
    return this.#batch.valuesByteOffset(column);
  }

  /** Makes a column's list valid; the caller writes its samples. */
  setPresent(target: Uint8Array, at: number, column: number): void {
    this.#batch.setPresent(target, at, column);
  }

  /** Makes the samples of some blocks of a column valid: those of block `k` where `present[k]` is 1. */
  setPartsPresent(
    target: Uint8Array,
    at: number,
    column: number,
    present: Uint8Array,
  ): void {
    this.#batch.setPartsPresent(target, at, column, present);
  }
}

/** Record batches of selections whose columns have equal shapes; see {@linkcode RowTemplate}. */
class BatchTemplate {
  /** Encapsulated record batch of no rows. */
  readonly emptyBatch: Uint8Array;
  readonly byteLength: number;
  readonly headBytes: number;
  readonly #layout: BatchLayout;
  readonly #bytes: Uint8Array;
  readonly #timeAt: number;
  #timeNs = 0n;
  readonly #timeBytes = new Uint8Array(8);
  readonly #nullCountAt: Int32Array;
  readonly #validityAt: Int32Array;
  readonly #valuesAt: Int32Array;
  readonly #itemNullCountAt: Int32Array;
  readonly #itemValidityAt: Int32Array;
  readonly #columns: readonly RowColumn[];

  constructor(columns: readonly RowColumn[], layout: BatchLayout) {
    const batch = batchOf(columns, 1, layout);
    this.#layout = layout;
    this.headBytes = batch.bufferAt(0);
    this.emptyBatch = batchOf(columns, 0, layout).bytes;
    this.#bytes = batch.bytes;
    this.byteLength = batch.bytes.byteLength;
    const nodes = (of: (column: number) => number) =>
      Int32Array.from(columns, (_, i) => batch.nodeAt(of(i)) + 8);
    const buffers = (of: (column: number) => number) =>
      Int32Array.from(columns, (_, i) => batch.bufferAt(of(i)));
    // Nodes: time; then per column: list, items. Buffers: validity and values of time; then per column: validity,
    // offsets, validity of the items, items.
    this.#timeAt = batch.bufferAt(1);
    this.#nullCountAt = nodes((i) => 1 + 2 * i);
    this.#itemNullCountAt = nodes((i) => 2 + 2 * i);
    this.#validityAt = buffers((i) => 2 + 4 * i);
    this.#itemValidityAt = buffers((i) => 4 + 4 * i);
    this.#valuesAt = buffers((i) => 5 + 4 * i);
    this.#columns = columns;
  }

  begin(target: Uint8Array, at: number, timeNs: bigint): void {
    target.set(this.#bytes, at);
    // Selections with equal shapes encode the same row one after another.
    if (timeNs !== this.#timeNs) {
      this.#timeNs = timeNs;
      new DataView(this.#timeBytes.buffer).setBigInt64(0, timeNs, true);
    }
    const timeAt = at + this.#timeAt;
    for (let i = 0; i < 8; i++) target[timeAt + i] = this.#timeBytes[i]!;
  }

  valuesByteOffset(column: number): number {
    return this.#valuesAt[column]!;
  }

  hasNullableSamples(column: number): boolean {
    return this.#layout === "flight" || (this.#columns[column]!.parts ?? 1) > 1;
  }

  setPresent(target: Uint8Array, at: number, column: number): void {
    target[at + this.#nullCountAt[column]!] = 0;
    target[at + this.#validityAt[column]!] = 1;
  }

  setPartsPresent(
    target: Uint8Array,
    at: number,
    column: number,
    present: Uint8Array,
  ): void {
    const { samples, parts = 1 } = this.#columns[column]!;
    const partSamples = samples / parts;
    const bitsAt = at + this.#itemValidityAt[column]!;
    let nulls = samples;
    for (let part = 0; part < parts; part++) {
      if (present[part] === 0) continue;
      nulls -= partSamples;
      const end = (part + 1) * partSamples;
      for (let item = part * partSamples; item < end;) {
        if ((item & 7) === 0 && item + 8 <= end) {
          target[bitsAt + (item >> 3)] = 0xff;
          item += 8;
        } else {
          target[bitsAt + (item >> 3)]! |= 1 << (item & 7);
          item++;
        }
      }
    }
    const countAt = at + this.#itemNullCountAt[column]!;
    for (let byte = 0; byte < 4; byte++) {
      target[countAt + byte] = nulls >>> (8 * byte);
    }
  }
}

/** A batch of 0 rows, or of 1 row without samples that has space for them. */
function batchOf(
  columns: readonly RowColumn[],
  rows: 0 | 1,
  layout: BatchLayout,
): BatchMessage {
  const isFlight = layout === "flight";
  const nodes = new Int32Array(2 * (1 + 2 * columns.length));
  const buffers = new Int32Array(2 + 4 * columns.length);
  nodes[0] = rows;
  buffers[1] = 8 * rows;
  columns.forEach(({ dataType, samples, parts = 1 }, i) => {
    const items = rows * samples;
    const nulls = isFlight || parts > 1 ? items : 0;
    nodes.set([rows, isFlight ? 0 : rows, items, nulls], 2 + 4 * i);
    // Validity and offsets of the list, validity of the items in words of 64 bits, items.
    const itemValidity = Math.ceil(nulls / 64) * 8;
    const itemBytes = items * SAMPLE_BYTES[dataType];
    buffers.set([8 * rows, 8, itemValidity, itemBytes], 2 + 4 * i);
  });
  const unusedBytes = isFlight ? UNUSED_BYTES : 0;
  const batch = new BatchMessage(rows, nodes, buffers, unusedBytes);
  if (rows === 0) return batch;
  const view = new DataView(batch.bytes.buffer);
  columns.forEach(({ samples }, i) => {
    view.setInt32(batch.bufferAt(3 + 4 * i) + 4, samples, true);
    if (isFlight) batch.bytes[batch.bufferAt(2 + 4 * i)] = 1;
  });
  return batch;
}
