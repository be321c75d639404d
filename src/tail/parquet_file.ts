// .parquet files, written with hyparquet-writer: the columns of the Arrow stream, `time` and one list per channel.
// Invariant: at most ROW_GROUP_BYTES of rows are in memory, then they are written as one row group; the file carries the
// Arrow schema, so that readers restore the types.
import { tableFromIPC } from "@uwdata/flechette";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { ColumnSource, SchemaElement } from "hyparquet-writer";
import type { RowFile } from "./row_file.ts";

/** The library makes arrays of all values and their levels: about 200 MB of memory at this size. */
const ROW_GROUP_BYTES = 2 * 1024 * 1024;

/** Parquet's physical type, and its annotation that restores Arrow's integers. */
const TYPES: Readonly<Record<string, Partial<SchemaElement>>> = {
  int8: { type: "INT32", converted_type: "INT_8" },
  int16: { type: "INT32", converted_type: "INT_16" },
  int32: { type: "INT32" },
  int64: { type: "INT64" },
  uint8: { type: "INT32", converted_type: "UINT_8" },
  uint16: { type: "INT32", converted_type: "UINT_16" },
  uint32: { type: "INT32", converted_type: "UINT_32" },
  uint64: { type: "INT64", converted_type: "UINT_64" },
  float32: { type: "FLOAT" },
  float64: { type: "DOUBLE" },
};

/** Writes Apache Parquet. */
export class ParquetFile implements RowFile {
  readonly #append: (bytes: Uint8Array) => void;
  readonly #bytes = new ByteWriter();
  #writer: ParquetWriter | null = null;
  #schema: Uint8Array = new Uint8Array(0);
  #encodings: ColumnSource["encoding"][] = [];
  #names: string[] = [];
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(append: (bytes: Uint8Array) => void) {
    this.#append = append;
  }

  schema(message: Uint8Array): void {
    this.#schema = message.slice();
    const { fields } = tableFromIPC([this.#schema]).schema;
    this.#names = fields.map((field) => field.name);
    const types = fields.map((field) => arrowNameOf(field.type));
    // Not a dictionary, which would turn -0 into 0.
    this.#encodings = types.map((type) =>
      type.startsWith("float") ? "BYTE_STREAM_SPLIT" : "DELTA_BINARY_PACKED"
    );
    const schema: SchemaElement[] = [
      { name: "root", num_children: fields.length },
      { name: "time", type: "INT64", repetition_type: "REQUIRED" },
      ...this.#names.slice(1).flatMap((name, i) =>
        listOf(name, TYPES[types[i + 1]!]!)
      ),
    ];
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema,
      createdBy: "qanat tail",
      kvMetadata: [{ key: "ARROW:schema", value: this.#schema.toBase64() }],
    });
  }

  batch(message: Uint8Array): void {
    this.#held.push(message.slice());
    this.#heldBytes += message.byteLength;
    if (this.#heldBytes >= ROW_GROUP_BYTES) this.#writeGroup();
  }

  finish(): void {
    if (this.#writer === null) return;
    this.#writeGroup();
    this.#writer.finish();
    this.#flush();
  }

  #writeGroup(): void {
    if (this.#held.length === 0) return;
    const table = tableFromIPC([this.#schema, ...this.#held], {
      useBigInt: true,
    });
    this.#held = [];
    this.#heldBytes = 0;
    this.#writer!.write({
      columnData: this.#names.map((name, i) => {
        const column = table.getChildAt(i);
        const encoding = this.#encodings[i]!;
        return {
          name,
          encoding,
          data: i === 0
            ? BigInt64Array.from(column as Iterable<bigint>)
            : Array.from(
              column as Iterable<ArrayLike<unknown> | null>,
              (list) => list === null ? null : Array.from(list),
            ),
        };
      }),
      rowGroupSize: table.numRows,
    });
    this.#flush();
  }

  /** Appends the bytes that the library has written, and reuses its buffer; its file offsets continue. */
  #flush(): void {
    const { buffer, index } = this.#bytes;
    this.#append(new Uint8Array(buffer, 0, index));
    this.#bytes.index = 0;
  }
}

function listOf(name: string, type: Partial<SchemaElement>): SchemaElement[] {
  return [
    {
      name,
      repetition_type: "OPTIONAL",
      converted_type: "LIST",
      num_children: 1,
    },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", ...type },
  ];
}

/** Name of the type: `int64`, or that of a list's items. */
function arrowNameOf(type: unknown): string {
  const { typeId, bitWidth, signed, precision, children } = type as {
    typeId: number;
    bitWidth?: number;
    signed?: boolean;
    precision?: number;
    children?: { type: unknown }[];
  };
  if (children?.[0]) return arrowNameOf(children[0].type);
  if (precision !== undefined) return precision === 1 ? "float32" : "float64";
  if (bitWidth !== undefined) return `${signed ? "int" : "uint"}${bitWidth}`;
  throw new Error(`Cannot write Arrow type ${typeId} to a Parquet file`);
}
