// Makes a record batch message with compressed buffers (BodyCompression) from the plain message of one row.
// Invariant: uncompressed, nodes and buffers equal those of the plain message, byte for byte and in their order.
import {
  MessageHeader,
  PREFIX_BYTES,
  prefixedBytes,
} from "./message_header.ts";
import type { RowTemplate } from "./row_template.ts";

/** Codecs of Arrow's BodyCompression. */
export type Codec = "zstd" | "lz4";

/** CompressionType of Message.fbs. */
const CODES: Record<Codec, number> = { lz4: 0, zstd: 1 };

// The flatbuffer, byte offsets from its start (n nodes, b buffers):
//    0  uint32  offset of the Message table: 16
//    4  uint16  vtable: its bytes (12), the table's bytes (20), then the offsets in the table of version,
//               header_type, header, bodyLength
//   16  int32   from the table back to its vtable: 12
//   20  uint32  header      24  int64  bodyLength      32  int16  version      34  uint8  header_type
//   36  uint16  RecordBatch's vtable: 12, 24, then length, nodes, buffers, compression
//   48  int32   12          52  uint32 nodes           56  int64  length (rows)
//   64  uint32  buffers     68  uint32 compression
//   72  uint16  BodyCompression's vtable: 8, 8, then codec, method
//   80  int32   8           84  int8   codec           85  int8   method: 0, each buffer by itself
//   92  uint32  n, then n × (int64 length, int64 null_count)
//       padding of 4, uint32 b, then b × (int64 offset, int64 length)
const MESSAGE = 16;
const BODY_LENGTH = 24;
const BATCH = 48;
const COMPRESSION = 80;
const NODES = 92;
const STRUCT_BYTES = 16;
const VERSION_V5 = 4;
const HEADER_RECORD_BATCH = 3;

// A buffer that is not empty begins with an int64: its uncompressed length, or −1 if it is not compressed.
const LENGTH_BYTES = 8;
const RAW = -1;

/** Makes compressed messages from the plain messages of one template. */
export class CompressedBatch {
  /** Bytes of a message without any compressed buffer. */
  readonly rawBytes: number;
  /** Prefix and metadata, in which a message's nodes, buffers and body length are still to be written. */
  readonly #head: Uint8Array;
  readonly #plainNodesAt: number;
  readonly #nodesBytes: number;
  /** Byte offset of the first entry of `buffers`. */
  readonly #entriesAt: number;
  /** By buffer: byte offset and length in the plain message. */
  readonly #plainAt: Int32Array;
  readonly #plainBytes: Int32Array;
  /** By buffer: the column whose samples it has, or −1. */
  readonly #columnOf: Int32Array;

  constructor(template: RowTemplate, codec: Codec) {
    const row = new Uint8Array(template.byteLength);
    template.begin(row, 0, 0n);
    const view = new DataView(row.buffer);
    const header = new MessageHeader(view, 0);
    const bodyAt = prefixedBytes(view, 0);
    const { nodeCount, bufferCount } = header;
    this.#plainNodesAt = header.nodeAt(0);
    this.#nodesBytes = STRUCT_BYTES * nodeCount;
    this.#head = headOf(codec, nodeCount, bufferCount);
    this.#entriesAt = this.#head.byteLength - STRUCT_BYTES * bufferCount;
    this.#plainAt = new Int32Array(bufferCount);
    this.#plainBytes = new Int32Array(bufferCount);
    // Validity and values of time; then per column: validity, offsets, validity of the items, items.
    this.#columnOf = Int32Array.from(
      this.#plainAt,
      (_, i) => i % 4 === 1 && i > 1 ? (i - 5) / 4 : -1,
    );
    let rawBytes = this.#head.byteLength;
    for (let i = 0; i < bufferCount; i++) {
      const { at, bytes } = header.buffer(i);
      this.#plainAt[i] = bodyAt + at;
      this.#plainBytes[i] = bytes;
      if (bytes > 0) rawBytes += padded(LENGTH_BYTES + bytes);
    }
    this.rawBytes = rawBytes;
  }

  /** Bytes of a message. `packed`: the compressed samples of each column, or null where they stay plain. */
  bytesWith(packed: readonly (Uint8Array | null)[]): number {
    let bytes = this.rawBytes;
    for (let column = 0; column < packed.length; column++) {
      const samples = packed[column]!;
      if (samples === null) continue;
      bytes += padded(LENGTH_BYTES + samples.byteLength) -
        padded(LENGTH_BYTES + this.#plainBytes[5 + 4 * column]!);
    }
    return bytes;
  }

  /** Writes the message of the row `plain` to the start of `target`; returns its length, `bytesWith(packed)`. */
  write(
    target: Uint8Array,
    plain: Uint8Array,
    packed: readonly (Uint8Array | null)[],
  ): number {
    const head = this.#head;
    const view = new DataView(target.buffer, target.byteOffset);
    target.set(head);
    target.set(
      plain.subarray(this.#plainNodesAt, this.#plainNodesAt + this.#nodesBytes),
      PREFIX_BYTES + NODES + 4,
    );
    let at = head.byteLength;
    for (let i = 0; i < this.#plainAt.length; i++) {
      const from = this.#plainAt[i]!;
      const plainBytes = this.#plainBytes[i]!;
      const column = this.#columnOf[i]!;
      const samples = column < 0 ? null : packed[column]!;
      const bytes = plainBytes === 0
        ? 0
        : LENGTH_BYTES + (samples === null ? plainBytes : samples.byteLength);
      const entryAt = this.#entriesAt + STRUCT_BYTES * i;
      putInt64(view, entryAt, at - head.byteLength);
      putInt64(view, entryAt + 8, bytes);
      if (bytes === 0) continue;
      putInt64(view, at, samples === null ? RAW : plainBytes);
      target.set(
        samples ?? plain.subarray(from, from + plainBytes),
        at + LENGTH_BYTES,
      );
      const end = at + padded(bytes);
      target.fill(0, at + bytes, end);
      at = end;
    }
    putInt64(view, PREFIX_BYTES + BODY_LENGTH, at - head.byteLength);
    return at;
  }
}

/** Prefix and metadata, with zeros for nodes, buffers and the length of the body. */
function headOf(codec: Codec, nodes: number, buffers: number): Uint8Array {
  const buffersAt = NODES + 4 + STRUCT_BYTES * nodes + 4;
  const metadataBytes = buffersAt + 4 + STRUCT_BYTES * buffers;
  const head = new Uint8Array(PREFIX_BYTES + metadataBytes);
  const view = new DataView(head.buffer);
  view.setInt32(0, -1, true);
  view.setInt32(4, metadataBytes, true);
  const put16 = (at: number, ...values: number[]) =>
    values.forEach((n, i) =>
      view.setUint16(PREFIX_BYTES + at + 2 * i, n, true)
    );
  const put32 = (at: number, n: number) =>
    view.setUint32(PREFIX_BYTES + at, n, true);
  const point = (at: number, to: number) => put32(at, to - at);
  point(0, MESSAGE);
  put16(4, 12, 20, 16, 18, 4, 8);
  put32(MESSAGE, 12);
  point(MESSAGE + 4, BATCH);
  put16(MESSAGE + 16, VERSION_V5);
  head[PREFIX_BYTES + MESSAGE + 18] = HEADER_RECORD_BATCH;
  put16(36, 12, 24, 8, 4, 16, 20);
  put32(BATCH, 12);
  point(BATCH + 4, NODES);
  put32(BATCH + 8, 1);
  point(BATCH + 16, buffersAt);
  point(BATCH + 20, COMPRESSION);
  put16(72, 8, 8, 4, 5);
  put32(COMPRESSION, 8);
  head[PREFIX_BYTES + COMPRESSION + 4] = CODES[codec];
  put32(NODES, nodes);
  put32(buffersAt, buffers);
  return head;
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** Writes an integer of at most 32 bits as int64. */
function putInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, value, true);
  view.setInt32(at + 4, value < 0 ? -1 : 0, true);
}
