// Writes a record batch message whose body is zeros: nodes, buffers and their space.
// Invariant: the time is linear in nodes and buffers. (apache-arrow's RecordBatch compares each field with all others:
// 10,000 columns blocked the event loop for 1.7 s.)
import { PREFIX_BYTES } from "./message_header.ts";

// The flatbuffer, byte offsets from its start (n nodes, b buffers):
//    0  uint32  offset of the Message table: 16
//    4  uint16  vtable: its bytes (12), the table's bytes (20), then the offsets in the table of version,
//               header_type, header, bodyLength
//   16  int32   from the table back to its vtable: 12
//   20  uint32  header      24  int64  bodyLength      32  int16  version      34  uint8  header_type
//   36  uint16  RecordBatch's vtable: 10, 20, then length, nodes, buffers
//   48  int32   12          52  uint32 nodes           56  int64  length (rows)
//   64  uint32  buffers
//   68  uint32  n, then n × (int64 length, int64 null_count)
//       padding of 4, uint32 b, then b × (int64 offset, int64 length)
const MESSAGE = 16;
const BODY_LENGTH = 24;
const BATCH = 48;
const NODES = 68;
const STRUCT_BYTES = 16;
const VERSION_V5 = 4;
const HEADER_RECORD_BATCH = 3;

/** The encapsulated message, and the byte offsets of its parts. */
export class BatchMessage {
  /** Prefix, metadata and body. */
  readonly bytes: Uint8Array;
  readonly #buffersAt: Float64Array;

  /**
   * `nodes`: length and null count of each, in pairs; `buffers`: the bytes of each, which are padded to 8;
   * `unusedBytes`: at the end of the metadata, a multiple of 8 that no reader looks at.
   */
  constructor(
    rows: number,
    nodes: Int32Array,
    buffers: Int32Array,
    unusedBytes = 0,
  ) {
    const nodeCount = nodes.length / 2;
    const entriesAt = NODES + 4 + STRUCT_BYTES * nodeCount + 8;
    const metadataBytes = entriesAt + STRUCT_BYTES * buffers.length +
      unusedBytes;
    const bodyAt = PREFIX_BYTES + metadataBytes;
    this.#buffersAt = new Float64Array(buffers.length);
    let end = bodyAt;
    for (let i = 0; i < buffers.length; i++) {
      this.#buffersAt[i] = end;
      end += padded(buffers[i]!);
    }
    this.bytes = new Uint8Array(end);
    const view = new DataView(this.bytes.buffer);
    writeHead(view, { metadataBytes, rows, bodyBytes: end - bodyAt });
    const put = (at: number, value: number) => view.setUint32(at, value, true);
    put(PREFIX_BYTES + NODES, nodeCount);
    for (let i = 0; i < nodeCount; i++) {
      put(this.nodeAt(i), nodes[2 * i]!);
      put(this.nodeAt(i) + 8, nodes[2 * i + 1]!);
    }
    put(PREFIX_BYTES + BATCH + 16, entriesAt - 4 - BATCH - 16);
    put(PREFIX_BYTES + entriesAt - 4, buffers.length);
    for (let i = 0; i < buffers.length; i++) {
      const at = PREFIX_BYTES + entriesAt + STRUCT_BYTES * i;
      put(at, this.#buffersAt[i]! - bodyAt);
      put(at + 8, padded(buffers[i]!));
    }
  }

  /** Byte offset of a node: int64 length, then int64 null_count. */
  nodeAt(index: number): number {
    return PREFIX_BYTES + NODES + 4 + STRUCT_BYTES * index;
  }

  /** Byte offset of a buffer's content. */
  bufferAt(index: number): number {
    return this.#buffersAt[index]!;
  }
}

function writeHead(
  view: DataView,
  { metadataBytes, rows, bodyBytes }: {
    metadataBytes: number;
    rows: number;
    bodyBytes: number;
  },
): void {
  view.setInt32(0, -1, true);
  view.setInt32(4, metadataBytes, true);
  const put16 = (at: number, ...values: number[]) =>
    values.forEach((n, i) =>
      view.setUint16(PREFIX_BYTES + at + 2 * i, n, true)
    );
  const put32 = (at: number, n: number) =>
    view.setUint32(PREFIX_BYTES + at, n, true);
  put32(0, MESSAGE);
  put16(4, 12, 20, 16, 18, 4, 8);
  put32(MESSAGE, 12);
  put32(MESSAGE + 4, BATCH - MESSAGE - 4);
  put32(BODY_LENGTH, bodyBytes);
  put16(MESSAGE + 16, VERSION_V5);
  view.setUint8(PREFIX_BYTES + MESSAGE + 18, HEADER_RECORD_BATCH);
  put16(36, 10, 20, 8, 4, 16);
  put32(BATCH, 12);
  put32(BATCH + 4, NODES - BATCH - 4);
  put32(BATCH + 8, rows);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
