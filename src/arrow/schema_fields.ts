// Lists the columns of an Arrow schema: their types, and where each one's nodes and buffers are in a record batch.
// Invariant: work is bounded by FIELDS_MAX; a damaged schema throws RangeError and nothing else.
import { DATA_TYPES, type DataType } from "../channels/channel.ts";
import type { Table } from "./flatbuffer_table.ts";
import type { MessageHeader } from "./message_header.ts";

/** What the values of a column are. */
export type ColumnType =
  | { readonly kind: "scalar"; readonly dataType: DataType }
  | { readonly kind: "list" | "large-list"; readonly dataType: DataType }
  | {
    readonly kind: "fixed-list";
    readonly dataType: DataType;
    /** Samples of each list. */
    readonly size: number;
  }
  | { readonly kind: "timestamp"; readonly unit: "s" | "ms" | "us" | "ns" }
  /** `text` names it for messages. */
  | { readonly kind: "other"; readonly text: string };

/** One column. A list's child is the node after its own. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Numbers of its first node and its first buffer in each record batch. */
  readonly node: number;
  readonly buffer: number;
}

export interface SchemaColumns {
  readonly columns: readonly Column[];
  /** Nodes and buffers of a record batch. */
  readonly nodeCount: number;
  readonly bufferCount: number;
}

/** Most fields that are counted, with those inside others. */
export const FIELDS_MAX = 16_384;
const DEPTH_MAX = 16;
/** A longer name counts as empty. */
export const COLUMN_NAME_BYTES_MAX = 1024;

// Field numbers in Schema.fbs.
const SCHEMA = { endianness: 0, fields: 1 } as const;
const FIELD = { name: 0, typeType: 2, type: 3, dictionary: 4, children: 5 };
const INT = { bitWidth: 0, isSigned: 1 } as const;
const FLOATING_POINT = { precision: 0 } as const;
const TIMESTAMP = { unit: 0 } as const;
const FIXED_SIZE_LIST = { size: 0 } as const;
const UNITS = ["s", "ms", "us", "ns"] as const;
const FLOATS = ["float16", "float32", "float64"];

const TYPE_INT = 2;
const TYPE_FLOATING_POINT = 3;
const TYPE_TIMESTAMP = 10;
const TYPE_LIST = 12;
const TYPE_FIXED_SIZE_LIST = 16;
const TYPE_LARGE_LIST = 21;
/** By number of the type: its name, and its own buffers in a batch. Others have buffers whose number varies. */
const TYPES: Readonly<Record<number, readonly [string, number]>> = {
  1: ["null", 0],
  [TYPE_INT]: ["int", 2],
  [TYPE_FLOATING_POINT]: ["float", 2],
  4: ["binary", 3],
  5: ["utf8", 3],
  6: ["bool", 2],
  7: ["decimal", 2],
  8: ["date", 2],
  9: ["time", 2],
  [TYPE_TIMESTAMP]: ["timestamp", 2],
  11: ["interval", 2],
  [TYPE_LIST]: ["list", 2],
  13: ["struct", 1],
  15: ["fixed_size_binary", 2],
  [TYPE_FIXED_SIZE_LIST]: ["fixed_size_list", 1],
  17: ["map", 2],
  18: ["duration", 2],
  19: ["large_binary", 3],
  20: ["large_utf8", 3],
  [TYPE_LARGE_LIST]: ["large_list", 2],
};
const DICTIONARY_BUFFERS = 2;

/** The columns of a schema message, or why they cannot be listed. */
export function columnsOf(schema: MessageHeader): SchemaColumns | string {
  return new Walk().columns(schema.table);
}

class Walk {
  #nodes = 0;
  #buffers = 0;
  #fields = 0;

  columns(schema: Table): SchemaColumns | string {
    const endianness = schema.fieldAt(SCHEMA.endianness);
    if (endianness !== 0 && schema.view.getInt16(endianness, true) !== 0) {
      return "numbers are big-endian; little-endian ones are read";
    }
    const { count } = schema.vector(SCHEMA.fields);
    if (count > FIELDS_MAX) {
      return `${count} columns, at most ${FIELDS_MAX} are read`;
    }
    const columns: Column[] = [];
    for (let i = 0; i < count; i++) {
      const field = schema.element(SCHEMA.fields, i);
      const node = this.#nodes;
      const buffer = this.#buffers;
      const wrong = this.#count(field, 0);
      if (wrong !== null) return wrong;
      const name = field.utf8(FIELD.name, COLUMN_NAME_BYTES_MAX);
      columns.push({ name, type: typeOf(field), node, buffer });
    }
    return { columns, nodeCount: this.#nodes, bufferCount: this.#buffers };
  }

  /** Counts the nodes and buffers of a field and of those inside it. */
  #count(field: Table, depth: number): string | null {
    if (++this.#fields > FIELDS_MAX) {
      return `more than ${FIELDS_MAX} fields, with those inside others`;
    }
    if (depth > DEPTH_MAX) return `types are nested deeper than ${DEPTH_MAX}`;
    this.#nodes++;
    if (field.fieldAt(FIELD.dictionary) !== 0) {
      this.#buffers += DICTIONARY_BUFFERS;
      return null;
    }
    const code = field.uint8(FIELD.typeType);
    const known = TYPES[code];
    if (known === undefined) {
      return `a column of type ${code} (a union, a view or run-end encoded), whose buffers cannot be counted`;
    }
    this.#buffers += known[1];
    const { count } = field.vector(FIELD.children);
    for (let i = 0; i < Math.min(count, FIELDS_MAX); i++) {
      const wrong = this.#count(field.element(FIELD.children, i), depth + 1);
      if (wrong !== null) return wrong;
    }
    return null;
  }
}

function typeOf(field: Table): ColumnType {
  if (field.fieldAt(FIELD.dictionary) !== 0) return other("dictionary");
  const code = field.uint8(FIELD.typeType);
  const type = field.table(FIELD.type);
  if (type === null) return other("none");
  switch (code) {
    case TYPE_INT:
    case TYPE_FLOATING_POINT: {
      const text = numberText(code, type);
      const dataType = DATA_TYPES.find((known) => known === text);
      return dataType ? { kind: "scalar", dataType } : other(text);
    }
    case TYPE_TIMESTAMP: {
      const at = type.fieldAt(TIMESTAMP.unit);
      const unit = UNITS[at === 0 ? 0 : type.view.getInt16(at, true)];
      return unit ? { kind: "timestamp", unit } : other("timestamp");
    }
    case TYPE_LIST:
    case TYPE_LARGE_LIST:
    case TYPE_FIXED_SIZE_LIST:
      return listOf(field, code, type);
    default:
      return other(TYPES[code]?.[0] ?? `type ${code}`);
  }
}

function listOf(field: Table, code: number, type: Table): ColumnType {
  const name = TYPES[code]![0];
  if (field.vector(FIELD.children).count !== 1) return other(name);
  const child = field.element(FIELD.children, 0);
  const childCode = child.uint8(FIELD.typeType);
  const isNumber = childCode === TYPE_INT || childCode === TYPE_FLOATING_POINT;
  const item = isNumber
    ? typeOf(child)
    : other(TYPES[childCode]?.[0] ?? `type ${childCode}`);
  if (item.kind !== "scalar") {
    return other(`${name}<${item.kind === "other" ? item.text : item.kind}>`);
  }
  const { dataType } = item;
  if (code === TYPE_LIST) return { kind: "list", dataType };
  if (code === TYPE_LARGE_LIST) return { kind: "large-list", dataType };
  const at = type.fieldAt(FIXED_SIZE_LIST.size);
  const size = at === 0 ? 0 : type.view.getInt32(at, true);
  return { kind: "fixed-list", dataType, size };
}

function numberText(code: number, type: Table): string {
  if (code === TYPE_FLOATING_POINT) {
    const at = type.fieldAt(FLOATING_POINT.precision);
    return FLOATS[at === 0 ? 0 : type.view.getInt16(at, true)] ?? "float";
  }
  const at = type.fieldAt(INT.bitWidth);
  const bits = at === 0 ? 0 : type.view.getInt32(at, true);
  return `${type.uint8(INT.isSigned) ? "int" : "uint"}${bits}`;
}

function other(text: string): ColumnType {
  return { kind: "other", text };
}

/** A type in words, such as `list<float32>`. */
export function typeWords(type: ColumnType): string {
  switch (type.kind) {
    case "scalar":
      return type.dataType;
    case "list":
      return `list<${type.dataType}>`;
    case "large-list":
      return `large_list<${type.dataType}>`;
    case "fixed-list":
      return `fixed_size_list<${type.dataType}>[${type.size}]`;
    case "timestamp":
      return `timestamp[${type.unit}]`;
    case "other":
      return type.text;
  }
}
