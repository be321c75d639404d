// The parts of apache-arrow that the block encoder uses: types, typed arrays, a stream of one record batch.
import {
  type Data,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  type Schema,
  Struct,
  Uint32,
} from "apache-arrow";
import type { DataType } from "../channels/channel.ts";

/** Samples of one channel, in the typed array of their data type. */
export type Samples =
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

const TYPES = {
  int16: () => new Int16(),
  int32: () => new Int32(),
  int64: () => new Int64(),
  uint32: () => new Uint32(),
  float32: () => new Float32(),
  float64: () => new Float64(),
};

const ARRAYS = {
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** The Arrow type of one sample. */
export function arrowTypeOf(dataType: DataType) {
  return TYPES[dataType]();
}

/** `count` zeros, in the typed array of the data type. */
export function newSamples(dataType: DataType, count: number): Samples {
  return new ARRAYS[dataType](count);
}

/** An IPC stream of one record batch of `rows` rows; one child per field of the schema. */
export function streamOfBatch(
  schema: Schema,
  rows: number,
  children: Data[],
): Uint8Array {
  const type = new Struct(schema.fields);
  const data = makeData({ type, length: rows, nullCount: 0, children });
  const writer = new RecordBatchStreamWriter();
  writer.write(new RecordBatch(schema, data));
  return writer.finish().toUint8Array(true);
}
