// The bytes of a selection's rows: schema message, and a one-row record batch with every list null, built once.
// Invariant: a template's length never changes; a row is the template with time, values and presence patched in.
// The batch does not depend on names, so selections of equal types, sample counts and parts share it.
import { Field, Int64, List, makeData, Schema } from "apache-arrow";
import type { DataType } from "../channels/channel.ts";
import {
  arrowTypeOf,
  newSamples,
  schemaMessageOf,
  streamOfBatch,
} from "./arrow_types.ts";
import { MessageHeader, prefixedBytes } from "./message_header.ts";

/** What ends an IPC stream: continuation marker and a metadata length of 0. */
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

/** One list column. */
export interface RowColumn {
  readonly name: string;
  readonly dataType: DataType;
  /** Text of the field's metadata `rate`, Hz. */
  readonly rate: string;
  /** Samples in one row. */
  readonly samples: number;
  /** Blocks in one row; above 1 the column's samples can be null block by block. @default 1 */
  readonly parts?: number;
}

/** Batch templates that are in use, by what their bytes depend on. One per process. */
export class BatchTemplates {
  readonly #known = new Map<string, WeakRef<BatchTemplate>>();
  #sweepAt = 64;

  /** The template for these columns; built when no selection in use has it. */
  of(columns: readonly RowColumn[]): BatchTemplate {
    const key = columns.map(shapeOf).join(" ");
    const known = this.#known.get(key)?.deref();
    if (known) return known;
    const made = new BatchTemplate(columns);
    this.#known.set(key, new WeakRef(made));
    if (this.#known.size >= this.#sweepAt) this.#sweep();
    return made;
  }

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

/** What a column contributes to the batch. */
function shapeOf({ dataType, samples, parts = 1 }: RowColumn): string {
  return `${dataType}/${samples}/${parts}`;
}

/** Template of a selection: `time: int64 not null`, then a `list<T>` a channel. */
export class RowTemplate {
  readonly #columns: readonly RowColumn[];
  readonly #batch: BatchTemplate;
  /** A client needs it once, as it comes: 2 KB that are not kept for thousands of selections. */
  #schemaMessage: WeakRef<Uint8Array> | null = null;

  /** `columns` sorted by name. */
  constructor(columns: readonly RowColumn[], batches = new BatchTemplates()) {
    this.#columns = columns;
    this.#batch = batches.of(columns);
  }

  /** Encapsulated schema message; made again where nobody has held it since. */
  get schemaMessage(): Uint8Array {
    const known = this.#schemaMessage?.deref();
    if (known) return known;
    const made = schemaMessageOf(schemaOf(this.#columns));
    this.#schemaMessage = new WeakRef(made);
    return made;
  }

  /** Encapsulated record batch of no rows. */
  get emptyBatch(): Uint8Array {
    return this.#batch.emptyBatch;
  }

  get byteLength(): number {
    return this.#batch.byteLength;
  }

  /** Writes the template into `target` at `at`, with its time (GPS ns): every list is null. */
  begin(target: Uint8Array, at: number, timeNs: bigint): void {
    this.#batch.begin(target, at, timeNs);
  }

  /** Where a column's samples lie, from the message's start. */
  valuesByteOffset(column: number): number {
    return this.#batch.valuesByteOffset(column);
  }

  /** Makes a column's list present; its samples are the caller's to write. */
  setPresent(target: Uint8Array, at: number, column: number): void {
    this.#batch.setPresent(target, at, column);
  }

  /** Makes the samples of some of a column's blocks present: `present[k]` is 1 where block k is there. */
  setPartsPresent(
    target: Uint8Array,
    at: number,
    column: number,
    present: Uint8Array,
  ): void {
    this.#batch.setPartsPresent(target, at, column, present);
  }
}

function schemaOf(columns: readonly RowColumn[]): Schema {
  return new Schema([
    new Field("time", new Int64(), false),
    ...columns.map((column) =>
      new Field(
        column.name,
        listOf(column.dataType),
        true,
        new Map([["rate", column.rate]]),
      )
    ),
  ]);
}

/** Record batches of selections whose columns have equal shapes; see {@linkcode RowTemplate}. */
class BatchTemplate {
  /** Encapsulated record batch of no rows. */
  readonly emptyBatch: Uint8Array;
  readonly byteLength: number;
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

  constructor(columns: readonly RowColumn[]) {
    const schema = schemaOf(columns);
    const batch = messagesOf(schema, columns, 1)[1];
    this.emptyBatch = messagesOf(schema, columns, 0)[1]!;
    this.#bytes = batch!;
    this.byteLength = batch!.byteLength;
    const places = batchPlaces(batch!);
    // Nodes: time, then list and items of each column. Buffers: validity and data of time,
    // then validity, offsets, validity of the items, items of each column.
    this.#timeAt = places.bufferAt(1);
    this.#nullCountAt = Int32Array.from(
      columns,
      (_, i) => places.nodeAt(1 + 2 * i) + 8,
    );
    this.#validityAt = Int32Array.from(
      columns,
      (_, i) => places.bufferAt(2 + 4 * i),
    );
    this.#valuesAt = Int32Array.from(
      columns,
      (_, i) => places.bufferAt(5 + 4 * i),
    );
    this.#columns = columns;
    this.#itemNullCountAt = Int32Array.from(
      columns,
      (_, i) => places.nodeAt(2 + 2 * i) + 8,
    );
    this.#itemValidityAt = Int32Array.from(
      columns,
      (_, i) => places.bufferAt(4 + 4 * i),
    );
  }

  begin(target: Uint8Array, at: number, timeNs: bigint): void {
    target.set(this.#bytes, at);
    // Selections of equal shapes are made one after the other for the same row.
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

function listOf(dataType: DataType): List {
  return new List(new Field("item", arrowTypeOf(dataType), true));
}

/** The messages of a stream of one batch with 0 rows, or with 1 row whose lists are null but have their room. */
function messagesOf(
  schema: Schema,
  columns: readonly RowColumn[],
  rows: 0 | 1,
): Uint8Array[] {
  const children = [
    makeData({
      type: new Int64(),
      length: rows,
      nullCount: 0,
      data: new BigInt64Array(rows),
    }),
    ...columns.map((column) => {
      const samples = rows * column.samples;
      const item = makeData({
        type: arrowTypeOf(column.dataType),
        length: samples,
        ...((column.parts ?? 1) > 1
          ? {
            nullCount: samples,
            nullBitmap: new Uint8Array(Math.ceil(samples / 64) * 8),
          }
          : { nullCount: 0 }),
        // deno-lint-ignore no-explicit-any -- zeros of the type's own array, chosen by its size
        data: newSamples(column.dataType, samples) as any,
        // deno-lint-ignore no-explicit-any -- one of six types, all numeric
      } as any);
      return makeData({
        type: listOf(column.dataType),
        length: rows,
        nullCount: rows,
        nullBitmap: new Uint8Array(8),
        valueOffsets: Int32Array.from(rows ? [0, samples] : [0]),
        child: item,
      });
    }),
  ];
  return splitMessages(streamOfBatch(schema, rows, children));
}

/** The messages of an IPC stream, without what ends it. */
export function splitMessages(stream: Uint8Array): Uint8Array[] {
  const view = new DataView(stream.buffer, stream.byteOffset);
  const messages: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const headBytes = prefixedBytes(view, at);
    if (headBytes < 0) return messages;
    const end = at + headBytes + new MessageHeader(view, at).bodyBytes;
    messages.push(stream.slice(at, end));
    at = end;
  }
}

/** Where the nodes and buffers of a record batch message lie, from the message's start. */
export function batchPlaces(message: Uint8Array): {
  nodeAt(node: number): number;
  bufferAt(buffer: number): number;
} {
  const view = new DataView(message.buffer, message.byteOffset);
  const header = new MessageHeader(view, 0);
  const bodyAt = prefixedBytes(view, 0);
  return {
    nodeAt: (node) => header.nodeAt(node),
    bufferAt: (index) => bodyAt + header.buffer(index).at,
  };
}
