// The bytes of a selection's bins, built once: schema message, and a one-row record batch with every value null.
// Invariant: a template's length never changes; a bin is the template with time, values and presence patched in.
import {
  type Data,
  Field,
  Float64,
  Int64,
  makeData,
  Schema,
} from "apache-arrow";
import type { DataType } from "../channels/channel.ts";
import {
  arrowTypeOf,
  newSamples,
  schemaMessageOf,
  streamOfBatch,
} from "./arrow_types.ts";
import { batchPlaces, splitMessages } from "./row_template.ts";

/** One channel. */
export interface TrendTemplateColumn {
  readonly name: string;
  readonly dataType: DataType;
  /** Text of the fields' metadata `rate`, Hz. */
  readonly rate: string;
}

/** The columns of a channel, in their order; `min` and `max` are of its own type. */
const PARTS = ["min", "mean", "max", "count"] as const;
export const MIN = 0;
export const MEAN = 1;
export const MAX = 2;
export const COUNT = 3;

/** Template of a selection: `time: int64 not null`, then four columns a channel. */
export class TrendTemplate {
  /** Encapsulated schema message. */
  readonly schemaMessage: Uint8Array;
  /** Encapsulated record batch of no rows. */
  readonly emptyBatch: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #timeAt: number;
  readonly #nullCountAt: Int32Array;
  readonly #validityAt: Int32Array;
  readonly #valueAt: Int32Array;

  /** `bin`: what `trend=` was. */
  constructor(columns: readonly TrendTemplateColumn[], bin: string) {
    const schema = schemaOf(columns, bin);
    this.schemaMessage = schemaMessageOf(schema);
    this.emptyBatch = batchOf(schema, columns, 0);
    const batch = batchOf(schema, columns, 1);
    const places = batchPlaces(batch);
    this.#bytes = batch;
    // Nodes: time, then four a channel. Buffers: validity and data of each.
    this.#timeAt = places.bufferAt(1);
    const fields = { length: PARTS.length * columns.length };
    this.#nullCountAt = Int32Array.from(
      fields,
      (_, i) => places.nodeAt(1 + i) + 8,
    );
    this.#validityAt = Int32Array.from(
      fields,
      (_, i) => places.bufferAt(2 + 2 * i),
    );
    this.#valueAt = Int32Array.from(
      fields,
      (_, i) => places.bufferAt(3 + 2 * i),
    );
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** Writes the template into `target` at `at`, with its time (GPS ns): every value is null. */
  begin(target: Uint8Array, at: number, timeNs: bigint): DataView {
    target.set(this.#bytes, at);
    const view = new DataView(target.buffer, target.byteOffset + at);
    view.setBigInt64(this.#timeAt, timeNs, true);
    return view;
  }

  /** Makes one of a channel's values present; where it is to be written, from the message's start. */
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
): Schema {
  const fields: Field[] = [new Field("time", new Int64(), false)];
  for (const { name, dataType, rate } of columns) {
    for (const part of PARTS) {
      const type = typeOf(part, dataType);
      const metadata = new Map([["rate", rate]]);
      fields.push(new Field(`${name}.${part}`, type, true, metadata));
    }
  }
  return new Schema(fields, new Map([["qanat.trend", bin]]));
}

function typeOf(part: typeof PARTS[number], dataType: DataType) {
  if (part === "mean") return new Float64();
  return part === "count" ? new Int64() : arrowTypeOf(dataType);
}

/** A batch of one row of nulls that have their room, or of none. */
function batchOf(
  schema: Schema,
  columns: readonly TrendTemplateColumn[],
  rows: 0 | 1,
): Uint8Array {
  const children: Data[] = [
    makeData({
      type: new Int64(),
      length: rows,
      nullCount: 0,
      data: new BigInt64Array(rows),
    }),
  ];
  for (const { dataType } of columns) {
    for (const part of PARTS) {
      const own = part === "mean"
        ? "float64"
        : part === "count"
        ? "int64"
        : dataType;
      children.push(makeData({
        type: typeOf(part, dataType),
        length: rows,
        nullCount: rows,
        nullBitmap: new Uint8Array(8),
        data: newSamples(own, rows),
        // deno-lint-ignore no-explicit-any -- one of six types, all numeric
      } as any) as Data);
    }
  }
  return splitMessages(streamOfBatch(schema, rows, children))[1]!;
}

/** Writes a value of min or max in a channel's own type. */
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
    case "int16":
      return view.setInt16(at, value, true);
    case "int32":
      return view.setInt32(at, value, true);
    case "uint32":
      return view.setUint32(at, value, true);
    case "int64":
      return view.setBigInt64(at, big, true);
    case "float32":
      return view.setFloat32(at, value, true);
    case "float64":
      return view.setFloat64(at, value, true);
  }
}
