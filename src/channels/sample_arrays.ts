// The typed array of each data type.
import type { DataType } from "./channel.ts";

/** By data type: the typed array that holds its samples. 64-bit integers are bigint, since a double has 53 bits. */
export const SAMPLE_ARRAYS = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<DataType, unknown>;

/** Samples of one channel, in the typed array of their data type. */
export type Samples =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** Whether samples are 64-bit integers: bigint in JavaScript, texts in JSON. */
export function is64Bit(dataType: DataType): dataType is "int64" | "uint64" {
  return dataType === "int64" || dataType === "uint64";
}
