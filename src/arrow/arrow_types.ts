// The parts of apache-arrow that the encoders of blocks and tables use: types, typed arrays, record batches, a stream of one.
import {
  type Data,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  type Schema,
  Struct,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
} from "apache-arrow";
import type { DataType } from "../channels/channel.ts";
import { SAMPLE_ARRAYS, type Samples } from "../channels/sample_arrays.ts";

const TYPES = {
  int8: () => new Int8(),
  int16: () => new Int16(),
  int32: () => new Int32(),
  int64: () => new Int64(),
  uint8: () => new Uint8(),
  uint16: () => new Uint16(),
  uint32: () => new Uint32(),
  uint64: () => new Uint64(),
  float32: () => new Float32(),
  float64: () => new Float64(),
};

/** The Arrow type of one sample. */
export function arrowTypeOf(dataType: DataType) {
  return TYPES[dataType]();
}

/** `count` zeros, in the typed array of the data type. */
export function newSamples(dataType: DataType, count: number): Samples {
  return new SAMPLE_ARRAYS[dataType](count);
}

/** A record batch of `rows` rows; one child per field of the schema. */
export function recordBatchOf(
  schema: Schema,
  rows: number,
  children: Data[],
): RecordBatch {
  const type = new Struct(schema.fields);
  const data = makeData({ type, length: rows, nullCount: 0, children });
  return new RecordBatch(schema, data);
}

/** An IPC stream of one record batch of `rows` rows; one child per field of the schema. */
export function streamOfBatch(
  schema: Schema,
  rows: number,
  children: Data[],
): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.write(recordBatchOf(schema, rows, children));
  return writer.finish().toUint8Array(true);
}
