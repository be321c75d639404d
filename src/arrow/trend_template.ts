// The bytes of a selection's bins, built once: schema message, and a one-row record batch with every value null.
// Invariant: a template's length never changes; a bin is the template with time, values and presence patched in.
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import { BatchMessage } from "./batch_message.ts";
import { type SchemaColumn, schemaMessage, TIME } from "./schema_message.ts";
import type { StreamTemplate } from "./stream_template.ts";

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
export class TrendTemplate implements StreamTemplate {
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
    this.schemaMessage = schemaOf(columns, bin);
    const batch = batchOf(columns, 1);
    this.emptyBatch = batchOf(columns, 0).bytes;
    this.#bytes = batch.bytes;
    // Nodes: time, then four a channel. Buffers: validity and data of each.
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
): Uint8Array {
  const fields: SchemaColumn[] = [TIME];
  for (const { name, dataType, rate } of columns) {
    for (const part of PARTS) {
      fields.push({
        name: `${name}.${part}`,
        dataType: typeOf(part, dataType),
        isList: false,
        isNullable: true,
        rate,
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

/** A batch of one row of nulls that have their room, or of none. */
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
