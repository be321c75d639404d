// Writes the schema message of a stream; parts that columns have in common are written once.
// Invariant: the time is linear in the columns, about 1 µs each. (The encoder of apache-arrow takes 10 µs per column: a
// stream of 10,000 channels blocked the event loop for 0.1 s.)
import type { DataType } from "../channels/channel.ts";
import { finish, type SlicedWork } from "../channels/sliced_work.ts";
import { FieldMetadata, type FieldNote } from "./field_metadata.ts";
import {
  FlatbufferWriter,
  type KeyValue,
  stringBytes,
} from "./flatbuffer_writer.ts";

/** One column of a stream. */
export interface SchemaColumn {
  readonly name: string;
  readonly dataType: DataType;
  /** Whether a value is a list of `dataType`, whose items may be null. */
  readonly isList: boolean;
  readonly isNullable: boolean;
  /** Text of the column's metadata `rate`, Hz; null for a column without metadata. */
  readonly rate: string | null;
  /** What else its metadata say. @default nothing */
  readonly note?: FieldNote | null;
}

/** The first column of every stream: GPS ns. */
export const TIME: SchemaColumn = {
  name: "time",
  dataType: "int64",
  isList: false,
  isNullable: false,
  rate: null,
};

// The flatbuffer, byte offsets from its start. Shared parts, vtables included, follow everything that refers to them:
// readers in Rust (planus, which polars uses) search a table's vtable only after the reference to the table.
//    0  uint32  offset of the Message table: 16
//    4  uint16  vtable: its bytes, the table's bytes, then the offsets of version, header_type, header, bodyLength
//   16  int32   from the table back to its vtable, uint32 header, int64 bodyLength, int16 version, uint8 header_type
//   36  uint16  Schema's vtable: endianness (absent: little), fields, custom_metadata
//   48  int32   from the table back to its vtable, uint32 fields, uint32 custom_metadata
//   60  uint32  number of columns, n, then n × uint32 offsets of the columns' Field tables
//       n × Field: int32 vtable, uint32 name, type, children, custom_metadata, uint8 nullable, type_type, padding
//       n × name: uint32 bytes, UTF-8, a zero, padding to 4
//       items, metadata, types, vtables: each one once
const MESSAGE = 16;
const SCHEMA_VTABLE = 36;
const SCHEMA = 48;
const FIELDS = 60;
const FIELD_BYTES = 24;
const NAME_AT = 4;
const TYPE_AT = 8;
const CHILDREN_AT = 12;
const METADATA_AT = 16;
const NULLABLE_AT = 20;
const TYPE_CODE_AT = 21;
const VERSION_V5 = 4;
const HEADER_SCHEMA = 1;
const TYPE_INT = 2;
const TYPE_FLOATING_POINT = 3;
const TYPE_LIST = 12;
/** Precision of FloatingPoint in Schema.fbs. */
const PRECISIONS: Partial<Record<DataType, number>> = {
  float32: 1,
  float64: 2,
};
const INTS: Partial<
  Record<DataType, readonly [bits: number, signed: boolean]>
> = {
  int8: [8, true],
  int16: [16, true],
  int32: [32, true],
  int64: [64, true],
  uint8: [8, false],
  uint16: [16, false],
  uint32: [32, false],
  uint64: [64, false],
};
const encoder = new TextEncoder();
/** Columns of a part of the work, and its steps. */
const PART_COLUMNS = 1000;

/** The encapsulated schema message, padded to 8 bytes. `metadata`: of the schema. */
export function schemaMessage(
  columns: readonly SchemaColumn[],
  metadata: KeyValue | null = null,
): Uint8Array {
  return finish(schemaInSlices(columns, metadata));
}

/** The same, in slices. */
export function* schemaInSlices(
  columns: readonly SchemaColumn[],
  metadata: KeyValue | null = null,
): SlicedWork<Uint8Array> {
  const names: Uint8Array[] = [];
  for (const { name } of columns) {
    if (names.length % PART_COLUMNS === 0) yield PART_COLUMNS;
    names.push(encoder.encode(name));
  }
  const tables = FIELDS + 4 + 4 * columns.length;
  const namesAt = tables + FIELD_BYTES * columns.length;
  const sharedAt = names.reduce((at, n) => at + stringBytes(n), namesAt);
  const writer = new FlatbufferWriter(sharedAt);
  writeHead(writer, metadata);
  writer.put32(FIELDS, columns.length);
  const fields = new FieldMetadata();
  let nameAt = namesAt;
  for (const [i, column] of columns.entries()) {
    if (i % PART_COLUMNS === 0) yield PART_COLUMNS;
    const at = tables + FIELD_BYTES * i;
    writer.point(FIELDS + 4 + 4 * i, at);
    writeField(writer, at, column, fields.nameOf(column));
    writer.point(at + NAME_AT, nameAt);
    writer.putString(nameAt, names[i]!);
    nameAt += stringBytes(names[i]!);
  }
  writeShared(writer, columns, { fields, schema: metadata });
  return writer.message();
}

function writeHead(writer: FlatbufferWriter, metadata: KeyValue | null): void {
  writer.put32(0, MESSAGE);
  writer.put16(4, 12, 20, 16, 18, 4, 8);
  writer.put32(MESSAGE, MESSAGE - 4);
  writer.point(MESSAGE + 4, SCHEMA);
  writer.put16(MESSAGE + 16, VERSION_V5, HEADER_SCHEMA);
  writer.put16(SCHEMA_VTABLE, 10, 12, 0, 4, metadata === null ? 0 : 8);
  writer.put32(SCHEMA, SCHEMA - SCHEMA_VTABLE);
  writer.point(SCHEMA + 4, FIELDS);
  if (metadata !== null) writer.refer(SCHEMA + 8, "metadata");
}

function writeField(
  writer: FlatbufferWriter,
  at: number,
  { dataType, isList, isNullable }: Omit<SchemaColumn, "name" | "rate">,
  metadata: string | null,
): void {
  const isBare = metadata === null;
  writer.refer(at, isBare ? "vtable of bare field" : "vtable of field");
  writer.refer(at + TYPE_AT, isList ? "list" : `type ${dataType}`);
  writer.refer(at + CHILDREN_AT, isList ? `items ${dataType}` : "none");
  if (!isBare) writer.refer(at + METADATA_AT, metadata);
  const code = isList ? TYPE_LIST : codeOf(dataType);
  writer.put16(at + NULLABLE_AT, (isNullable ? 1 : 0) + (code << 8));
}

/** Writes the parts that columns refer to. */
function writeShared(
  writer: FlatbufferWriter,
  columns: readonly SchemaColumn[],
  metadata: {
    readonly fields: FieldMetadata;
    readonly schema: KeyValue | null;
  },
): void {
  const listed = new Set<DataType>();
  const types = new Set<DataType>();
  for (const { dataType, isList } of columns) {
    types.add(dataType);
    if (isList) listed.add(dataType);
  }
  for (const dataType of listed) {
    const vector = writer.addShared(`items ${dataType}`, 8);
    writer.put32(vector, 1);
    const at = writer.append(FIELD_BYTES);
    writer.point(vector + 4, at);
    const item = { dataType, isList: false, isNullable: true };
    writeField(writer, at, item, null);
    writer.refer(at + NAME_AT, "item");
  }
  if (listed.size > 0) {
    writer.refer(writer.addShared("list", 4), "vtable of list");
    writer.addString("item", "item");
  }
  for (const [name, pairs] of metadata.fields.pairs) {
    writer.addPairs(name, pairs);
  }
  if (metadata.schema !== null) writer.addPairs("metadata", [metadata.schema]);
  // An empty vector: readers in C++ require one where a field has no children.
  writer.addShared("none", 4);
  for (const dataType of types) writeType(writer, dataType);
  writeVtables(writer);
}

/** Per kind of table: bytes of the vtable, bytes of the table, then the offset of each field; 0 for an absent one. */
function writeVtables(writer: FlatbufferWriter): void {
  const offsets = [NAME_AT, NULLABLE_AT, TYPE_CODE_AT, TYPE_AT, 0, CHILDREN_AT];
  const vtables: [name: string, ...words: number[]][] = [
    ["field", 18, FIELD_BYTES, ...offsets, METADATA_AT],
    ["bare field", 18, FIELD_BYTES, ...offsets, 0],
    ["pair", 8, 12, 4, 8],
    ["list", 4, 4],
    ["int", 8, 12, 4, 8],
    ["float", 6, 8, 4],
  ];
  for (const [name, ...words] of vtables) {
    writer.put16(writer.addVtable(name, 2 * words.length), ...words);
  }
}

function writeType(writer: FlatbufferWriter, dataType: DataType): void {
  const int = INTS[dataType];
  const at = writer.addShared(`type ${dataType}`, 12);
  writer.refer(at, int ? "vtable of int" : "vtable of float");
  if (!int) return writer.put16(at + 4, PRECISIONS[dataType]!);
  writer.put32(at + 4, int[0]);
  writer.put16(at + 8, int[1] ? 1 : 0);
}

function codeOf(dataType: DataType): number {
  return INTS[dataType] ? TYPE_INT : TYPE_FLOATING_POINT;
}
