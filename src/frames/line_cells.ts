// Writes samples as the cells of lines. A float always has a point or an exponent, so that readers which guess the type of
// a column find floats. Invariant: a finite value reads back to exactly itself, float32 after rounding to float32; a cell
// has at most LINE_CELL_BYTES_MAX bytes.
import type { DataType } from "../channels/channel.ts";
import { is64Bit, type Samples } from "../channels/sample_arrays.ts";
import {
  NUMBER_TEXT_MAX,
  writeAscii,
  writeFloat32,
  writeFloat64,
  writeInteger,
} from "./number_text.ts";
import type { LineFormat } from "./stream_format.ts";

/** How a format of lines writes what is no plain number. */
export interface CellTexts {
  readonly missing: string;
  readonly nan: string;
  readonly infinity: string;
  readonly minusInfinity: string;
  /** Around 64-bit integers: readers of JSON take numbers as doubles, which have 53 bits. */
  readonly quote64: string;
}

/** Longest cell of each data type, bytes: `"-Infinity"`, or an integer in quotes, or a float. */
export const LINE_CELL_BYTES_MAX: Readonly<Record<DataType, number>> = {
  int8: 4,
  int16: 6,
  int32: 11,
  int64: 22,
  uint8: 4,
  uint16: 5,
  uint32: 10,
  uint64: 22,
  float32: NUMBER_TEXT_MAX,
  float64: NUMBER_TEXT_MAX,
};

/** JSON has no NaN and no infinities: they are texts, as in the JSON of Protocol Buffers. */
export const CELL_TEXTS: Readonly<Record<LineFormat, CellTexts>> = {
  csv: {
    missing: "",
    nan: "NaN",
    infinity: "inf",
    minusInfinity: "-inf",
    quote64: "",
  },
  gwpy: {
    missing: "nan",
    nan: "nan",
    infinity: "inf",
    minusInfinity: "-inf",
    quote64: "",
  },
  ndjson: {
    missing: "null",
    nan: '"NaN"',
    infinity: '"Infinity"',
    minusInfinity: '"-Infinity"',
    quote64: '"',
  },
};

/** From here on, the text of a whole number has an exponent. */
const EXPONENT_FROM = 1e21;
const POINT = 46;
const ZERO = 48;

/** Writes sample `k` as a cell at byte offset `at`; returns the byte offset behind it. */
export type CellWriter = (
  out: Uint8Array,
  at: number,
  samples: Samples,
  k: number,
  texts: CellTexts,
) => number;

/** The writer of a data type: one function for at most four types of arrays, since a read of more kinds is slow. */
export function cellWriterOf(dataType: DataType): CellWriter {
  switch (dataType) {
    case "float32":
      return (out, at, samples, k, texts) =>
        writeSingle(out, at, (samples as Float32Array)[k]!, texts);
    case "float64":
      return (out, at, samples, k, texts) =>
        writeDouble(out, at, (samples as Float64Array)[k]!, texts);
    case "int64":
    case "uint64":
      return (out, at, samples, k, texts) =>
        writeBig(
          out,
          at,
          (samples as BigInt64Array | BigUint64Array)[k]!,
          texts,
        );
    case "int32":
    case "uint32":
      return (out, at, samples, k) =>
        writeInteger(out, at, (samples as Int32Array | Uint32Array)[k]!);
    default:
      return (out, at, samples, k) =>
        writeInteger(
          out,
          at,
          (samples as Int8Array | Int16Array | Uint8Array | Uint16Array)[k]!,
        );
  }
}

/** Writes one value of a data type as a cell; a 64-bit integer is `big`. */
export function writeCell(
  out: Uint8Array,
  at: number,
  { dataType, value, big }: {
    readonly dataType: DataType;
    readonly value: number;
    readonly big: bigint;
  },
  texts: CellTexts,
): number {
  if (is64Bit(dataType)) return writeBig(out, at, big, texts);
  if (dataType === "float32") return writeSingle(out, at, value, texts);
  if (dataType === "float64") return writeDouble(out, at, value, texts);
  return writeInteger(out, at, value);
}

function writeSingle(
  out: Uint8Array,
  at: number,
  value: number,
  texts: CellTexts,
): number {
  if (!Number.isFinite(value)) return writeNonFinite(out, at, value, texts);
  return withPoint(out, writeFloat32(out, at, value), value);
}

/** Writes a float64 as a cell. */
export function writeDouble(
  out: Uint8Array,
  at: number,
  value: number,
  texts: CellTexts,
): number {
  if (!Number.isFinite(value)) return writeNonFinite(out, at, value, texts);
  return withPoint(out, writeFloat64(out, at, value), value);
}

function writeBig(
  out: Uint8Array,
  at: number,
  value: bigint,
  { quote64 }: CellTexts,
): number {
  return writeAscii(out, at, `${quote64}${value}${quote64}`);
}

function writeNonFinite(
  out: Uint8Array,
  at: number,
  value: number,
  { nan, infinity, minusInfinity }: CellTexts,
): number {
  if (Number.isNaN(value)) return writeAscii(out, at, nan);
  return writeAscii(out, at, value > 0 ? infinity : minusInfinity);
}

/** Adds `.0` to the text of a whole number. */
function withPoint(out: Uint8Array, end: number, value: number): number {
  if (value !== Math.floor(value) || Math.abs(value) >= EXPONENT_FROM) {
    return end;
  }
  out[end] = POINT;
  out[end + 1] = ZERO;
  return end + 2;
}
