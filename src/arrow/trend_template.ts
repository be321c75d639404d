// The bytes that the bins of a selection have in common: the schema message, and a record batch of one row in which
// every value is null. Invariant: its length never changes; a bin is a copy with time, values and validity written in.
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import { BatchMessage } from "./batch_message.ts";
import {
  type FieldNote,
  NO_NOTES,
  type SelectionNotes,
} from "./field_metadata.ts";
import { NotedSchema } from "./noted_schema.ts";
import { type SchemaColumn, schemaMessage, TIME } from "./schema_message.ts";
import type { StreamTemplate } from "./stream_template.ts";

/** One channel. */
export interface TrendTemplateColumn {
  readonly name: string;
  readonly dataType: DataType;
  /** Text of the fields' metadata `rate`, Hz. */
  readonly rate: string;
}

/** The columns of a channel, in this order; `min` and `max` have the channel's data type. */
const PARTS = ["min", "mean", "max", "count"] as const;
export const MIN = 0;
export const MEAN = 1;
export const MAX = 2;
export const COUNT = 3;

/** Template of a selection: `time: int64 not null`, then four columns per channel. */
export class TrendTemplate implements StreamTemplate {
  /** Encapsulated record batch of no rows. */
  readonly emptyBatch: Uint8Array;
  readonly #schema: NotedSchema;
  readonly #bytes: Uint8Array;
  readonly #timeAt: number;
  readonly #nullCountAt: Int32Array;
  readonly #validityAt: Int32Array;
  readonly #valueAt: Int32Array;

  /** `columns` sorted by name; `bin`: name of the length of bins, as in `trend=`; `notes`: of the same columns. */
  constructor(
    columns: readonly TrendTemplateColumn[],
    bin: string,
    notes: SelectionNotes = NO_NOTES,
  ) {
    this.#schema = new NotedSchema(
      notes,
      (found) => schemaOf(columns, bin, found),
    );
    const batch = batchOf(columns, 1);
    this.emptyBatch = batchOf(columns, 0).bytes;
    this.#bytes = batch.bytes;
    // Nodes: time, then four per channel. Buffers: validity and values of each.
    this.#timeAt = batch.bufferAt(1);
    const fields = { length: PARTS.length * columns.length };
    this.#nullCountAt = Int32Array.from(
      fields,
      (_, i) => batch.nodeAt(1 + i) + 8,
    );
    this.#validityAt = Int32Array.from(
      fields,
      (_, i) => batch.bufferAt(2 + 2 * i),
    );
    this.#valueAt = Int32Array.from(
      fields,
      (_, i) => batch.bufferAt(3 + 2 * i),
    );
  }

  /** Encapsulated schema message. */
  get schemaMessage(): Uint8Array {
    return this.#schema.message;
  }

  /** Bytes of every bin's message. */
  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /**
   * Writes a bin whose values are all null to `target`, from byte offset `at` on; returns a view of it. `timeNs`: its
   * start, GPS ns.
   */
  begin(target: Uint8Array, at: number, timeNs: bigint): DataView {
    target.set(this.#bytes, at);
    const view = new DataView(target.buffer, target.byteOffset + at);
    view.setBigInt64(this.#timeAt, timeNs, true);
    return view;
  }

  /** Makes one value of a channel valid; returns the byte offset at which the caller writes it. */
  present(view: DataView, column: number, part: number): number {
    const field = PARTS.length * column + part;
    view.setUint8(this.#nullCountAt[field]!, 0);
    view.setUint8(this.#validityAt[field]!, 1);
    return this.#valueAt[field]!;
  }
}

function schemaOf(
  columns: readonly TrendTemplateColumn[],
  bin: string,
  notes: readonly (FieldNote | null)[],
): Uint8Array {
  const fields: SchemaColumn[] = [TIME];
  for (const [i, { name, dataType, rate }] of columns.entries()) {
    const note = notes[i] ?? null;
    for (const part of PARTS) {
      fields.push({
        name: `${name}.${part}`,
        dataType: typeOf(part, dataType),
        isList: false,
        isNullable: true,
        rate,
        // A count has not the unit of the samples.
        note: part === "count" ? null : note,
      });
    }
  }
  return schemaMessage(fields, ["qanat.trend", bin]);
}

/** The data type of a channel's column. */
function typeOf(part: typeof PARTS[number], dataType: DataType): DataType {
  if (part === "mean") return "float64";
  return part === "count" ? "int64" : dataType;
}

/** A batch of 0 rows, or of 1 row whose values are null and have their space. */
function batchOf(
  columns: readonly TrendTemplateColumn[],
  rows: 0 | 1,
): BatchMessage {
  const fields = PARTS.length * columns.length;
  const nodes = new Int32Array(2 * (1 + fields));
  const buffers = new Int32Array(2 * (1 + fields));
  nodes[0] = rows;
  buffers[1] = 8 * rows;
  columns.forEach(({ dataType }, i) =>
    PARTS.forEach((part, k) => {
      const at = 2 * (1 + PARTS.length * i + k);
      nodes.set([rows, rows], at);
      const valueBytes = rows * SAMPLE_BYTES[typeOf(part, dataType)];
      buffers.set([8 * rows, valueBytes], at);
    })
  );
  return new BatchMessage(rows, nodes, buffers);
}

/** Writes a min or max in the channel's data type; `big` is used for 64-bit integers. */
export function setSample(
  view: DataView,
  at: number,
  { dataType, value, big }: {
    dataType: DataType;
    value: number;
    big: bigint;
  },
): void {
  switch (dataType) {
    case "int8":
      return view.setInt8(at, value);
    case "uint8":
      return view.setUint8(at, value);
    case "uint16":
      return view.setUint16(at, value, true);
    case "int16":
      return view.setInt16(at, value, true);
    case "int32":
      return view.setInt32(at, value, true);
    case "uint32":
      return view.setUint32(at, value, true);
    case "int64":
      return view.setBigInt64(at, big, true);
    case "uint64":
      return view.setBigUint64(at, big, true);
    case "float32":
      return view.setFloat32(at, value, true);
    case "float64":
      return view.setFloat64(at, value, true);
  }
}
