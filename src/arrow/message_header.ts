// Reads the flatbuffer in the metadata of an Arrow message; its DataView checks the bounds of every access.
// Invariant: work is bounded by what the caller requests; a damaged buffer throws RangeError and nothing else.
// (The parser of apache-arrow follows a damaged vector length until memory is full, as mutated messages showed.)
import { Table } from "./flatbuffer_table.ts";

// Encapsulated message (Arrow columnar format):
//   byte offset 0  int32  continuation, 0xFFFFFFFF
//               4  int32  bytes of metadata, padding included
//               8         metadata: flatbuffer Message, then the body
export const PREFIX_BYTES = 8;
const CONTINUATION = 0xffffffff;

// Field numbers in Message.fbs and Schema.fbs.
const MESSAGE = {
  headerType: 1,
  header: 2,
  bodyLength: 3,
  customMetadata: 4,
} as const;
const KEY_VALUE = { key: 0, value: 1 } as const;
const RECORD_BATCH = {
  length: 0,
  nodes: 1,
  buffers: 2,
  compression: 3,
} as const;
const COMPRESSION = { codec: 0 } as const;
const SCHEMA = { fields: 1 } as const;
const FIELD = { name: 0, typeType: 2, type: 3, children: 5 } as const;
const INT = { bitWidth: 0, isSigned: 1 } as const;
const FLOATING_POINT = { precision: 0 } as const;
/** FieldNode: int64 length, int64 null_count. Buffer: int64 offset, int64 length. */
const STRUCT_BYTES = 16;
export const HEADER_SCHEMA = 1;
export const HEADER_RECORD_BATCH = 3;
const TYPE_INT = 2;
const TYPE_FLOATING_POINT = 3;
const TYPE_LIST = 12;
const FLOAT_NAMES = ["float16", "float32", "float64"];
const METADATA_PAIRS_MAX = 64;

/** Bytes of prefix and metadata of the message at byte offset `at`; −1 when there is no message. */
export function prefixedBytes(view: DataView, at: number): number {
  if (at + PREFIX_BYTES > view.byteLength) return -1;
  if (view.getUint32(at, true) !== CONTINUATION) return -1;
  const metadataBytes = view.getInt32(at + 4, true);
  const end = at + PREFIX_BYTES + metadataBytes;
  if (metadataBytes <= 0 || end > view.byteLength) return -1;
  return PREFIX_BYTES + metadataBytes;
}

/** Whether a message begins at byte offset `at`, even an incomplete one. An end of stream (no metadata) is none. */
export function messageFollows(view: DataView, at: number): boolean {
  if (at + PREFIX_BYTES > view.byteLength) return false;
  return view.getUint32(at, true) === CONTINUATION &&
    view.getInt32(at + 4, true) !== 0;
}

/** The metadata of an encapsulated message. */
export class MessageHeader {
  /** Type of the header: `HEADER_SCHEMA`, `HEADER_RECORD_BATCH` or another one of Message.fbs. */
  readonly headerType: number;
  readonly bodyBytes: number;
  /** Byte offset of the header's table. */
  readonly headerAt: number;
  readonly #header: Table;
  readonly #message: Table;

  /** `at`: byte offset of the message. Throws RangeError when it is damaged. */
  constructor(view: DataView, at: number) {
    const root = at + PREFIX_BYTES;
    const message = new Table(view, root + view.getUint32(root, true));
    this.headerType = message.uint8(MESSAGE.headerType);
    this.bodyBytes = message.int64(MESSAGE.bodyLength);
    const header = message.table(MESSAGE.header);
    if (header === null) throw new RangeError("The message has no header");
    this.#header = header;
    this.#message = message;
    this.headerAt = header.at;
  }

  /** The custom metadata, at most 64 pairs. */
  customMetadata(): Map<string, string> {
    const { view } = this.#header;
    const { count, at } = this.#message.vector(MESSAGE.customMetadata);
    const pairs = new Map<string, string>();
    for (let i = 0; i < Math.min(count, METADATA_PAIRS_MAX); i++) {
      const pairAt = at + 4 * i;
      const pair = new Table(view, pairAt + view.getUint32(pairAt, true));
      pairs.set(pair.utf8(KEY_VALUE.key), pair.utf8(KEY_VALUE.value));
    }
    return pairs;
  }

  /** Rows of a record batch. */
  get rowCount(): number {
    return this.#header.int64(RECORD_BATCH.length);
  }

  /** Whether a record batch has BodyCompression. */
  get isCompressed(): boolean {
    return this.#header.fieldAt(RECORD_BATCH.compression) !== 0;
  }

  /** The codec of a compressed batch: 0 LZ4 frames, 1 zstd; −1 where it is not compressed. */
  get codec(): number {
    if (!this.isCompressed) return -1;
    const compression = this.#header.table(RECORD_BATCH.compression);
    return compression === null ? -1 : compression.uint8(COMPRESSION.codec);
  }

  get nodeCount(): number {
    return this.#header.vector(RECORD_BATCH.nodes).count;
  }

  get bufferCount(): number {
    return this.#header.vector(RECORD_BATCH.buffers).count;
  }

  /** Byte offset of a FieldNode: int64 length, then int64 null_count. */
  nodeAt(index: number): number {
    return this.#header.vector(RECORD_BATCH.nodes).at + STRUCT_BYTES * index;
  }

  /** Length and null count of a node. */
  node(index: number): { length: number; nullCount: number } {
    const [length, nullCount] = this.#pair(this.nodeAt(index));
    return { length, nullCount };
  }

  /** Byte offset of a buffer, counted from the start of the body, and its length in bytes. */
  buffer(index: number): { at: number; bytes: number } {
    const { at: vector } = this.#header.vector(RECORD_BATCH.buffers);
    const [at, bytes] = this.#pair(vector + STRUCT_BYTES * index);
    return { at, bytes };
  }

  get fieldCount(): number {
    return this.#header.vector(SCHEMA.fields).count;
  }

  /** The table of the header, for readers of other parts of it. */
  get table(): Table {
    return this.#header;
  }

  /** Name and type of a schema's field, e.g. `data: list<float32>`. */
  fieldText(index: number): string {
    const { view } = this.#header;
    const at = this.#header.vector(SCHEMA.fields).at + 4 * index;
    const field = new Table(view, at + view.getUint32(at, true));
    return `${field.text(FIELD.name)}: ${typeText(field)}`;
  }

  #pair(at: number): [number, number] {
    const { view } = this.#header;
    return [
      Number(view.getBigInt64(at, true)),
      Number(view.getBigInt64(at + 8, true)),
    ];
  }
}

function typeText(field: Table): string {
  const code = field.uint8(FIELD.typeType);
  const type = field.table(FIELD.type);
  if (type === null) return "none";
  if (code === TYPE_INT) {
    const width = type.fieldAt(INT.bitWidth);
    const bits = width === 0 ? 0 : type.view.getInt32(width, true);
    return `${type.uint8(INT.isSigned) ? "int" : "uint"}${bits}`;
  }
  if (code === TYPE_FLOATING_POINT) {
    const at = type.fieldAt(FLOATING_POINT.precision);
    const precision = at === 0 ? 0 : type.view.getInt16(at, true);
    return FLOAT_NAMES[precision] ?? "float";
  }
  if (code !== TYPE_LIST) return `type ${code}`;
  const { count, at } = field.vector(FIELD.children);
  if (count !== 1) return "list";
  const child = new Table(field.view, at + field.view.getUint32(at, true));
  return child.uint8(FIELD.typeType) === TYPE_LIST
    ? "list<list>"
    : `list<${typeText(child)}>`;
}
