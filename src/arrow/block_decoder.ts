// Reads a publisher's message, and finds where each channel's samples are in its bytes.
// Invariant: it never throws and never points outside the message; a header that equals the last one is not parsed again.
import {
  DATA_TYPES,
  type DataType,
  SAMPLE_BYTES,
} from "../channels/channel.ts";
import { KnownBytes } from "./known_bytes.ts";
import {
  HEADER_RECORD_BATCH,
  HEADER_SCHEMA,
  messageFollows,
  MessageHeader,
  prefixedBytes,
} from "./message_header.ts";

/** The content of a message: one row per channel. The arrays are reused and may be longer than `rowCount`. */
export interface BlockLayout {
  /** Start of the block, GPS ns. */
  timeNs: bigint;
  rowCount: number;
  dataType: DataType;
  /** `partition_index` of each row. */
  ids: Uint32Array;
  /** By row: byte offset of the first sample in the message. */
  starts: Int32Array;
  /** By row: number of samples; −1 where the list, or any of its samples, is null. */
  lengths: Int32Array;
}

/** A layout to decode into. */
export function newBlockLayout(): BlockLayout {
  return {
    timeNs: 0n,
    rowCount: 0,
    dataType: "float64",
    ids: new Uint32Array(64),
    starts: new Int32Array(64),
    lengths: new Int32Array(64),
  };
}

// Buffers of a batch of (time, id, data: list<T>), in order.
const TIME_DATA = 1;
const ID_DATA = 3;
const LIST_VALIDITY = 4;
const LIST_OFFSETS = 5;
const ITEM_VALIDITY = 6;
const ITEM_DATA = 7;
const BUFFER_COUNT = 8;
const NODE_COUNT = 4;
const TIME_NODE = 0;
const ID_NODE = 1;
const LIST_NODE = 2;
const ITEM_NODE = 3;
/** There is one row per channel, and every `partition_index` is below this. */
const ROWS_MAX = 65_536;
/** Most bytes of schema and batch metadata, which are kept for comparison; publishers write some hundred bytes. */
const HEADER_BYTES_MAX = 64 * 1024;

/** What a header says: valid for every message with the same header bytes. */
interface Header {
  readonly bytes: KnownBytes;
  readonly bodyBytes: number;
  readonly rowCount: number;
  readonly itemCount: number;
  readonly dataType: DataType;
  readonly hasNullLists: boolean;
  readonly hasNullItems: boolean;
  /** Byte offset of each buffer from the body's start. */
  readonly at: readonly number[];
}

/** Decodes the messages of one partition. */
export class BlockDecoder {
  /** Messages whose header equalled the last one. */
  headerCacheHits = 0;
  /** Messages whose header was parsed. */
  headerCacheMisses = 0;
  #header: Header | null = null;

  /** Fills `layout` from a message. Returns null, or what is wrong with the message. */
  decode(value: Uint8Array, layout: BlockLayout): string | null {
    let header = this.#header;
    const { buffer, byteOffset, byteLength } = value;
    const view = new DataView(buffer, byteOffset, byteLength);
    if (header !== null && header.bytes.begin(view)) {
      this.headerCacheHits++;
    } else {
      this.headerCacheMisses++;
      const parsed = parseHeader(value);
      if (typeof parsed === "string") return parsed;
      this.#header = header = parsed;
    }
    return readRows(value, view, header, layout);
  }
}

function readRows(
  value: Uint8Array,
  view: DataView,
  header: Header,
  layout: BlockLayout,
): string | null {
  const bodyAt = header.bytes.byteLength;
  if (value.byteLength < bodyAt + header.bodyBytes) {
    return `body of ${header.bodyBytes} bytes is cut short`;
  }
  const { rowCount, itemCount } = header;
  // A second batch would follow the body: the header does not show it, so it is checked in every message.
  if (messageFollows(view, bodyAt + header.bodyBytes)) {
    return "more than one record batch";
  }
  const timeAt = bodyAt + header.at[TIME_DATA]!;
  const idAt = bodyAt + header.at[ID_DATA]!;
  const offsetsAt = bodyAt + header.at[LIST_OFFSETS]!;
  const itemsAt = bodyAt + header.at[ITEM_DATA]!;
  const sampleBytes = SAMPLE_BYTES[header.dataType];
  if (rowCount > layout.ids.length) {
    layout.ids = new Uint32Array(rowCount);
    layout.starts = new Int32Array(rowCount);
    layout.lengths = new Int32Array(rowCount);
  }
  const timeLow = view.getInt32(timeAt, true);
  const timeHigh = view.getInt32(timeAt + 4, true);
  let start = view.getInt32(offsetsAt, true);
  if (start < 0) return `list offset ${start} is negative`;
  for (let row = 0; row < rowCount; row++) {
    if (
      view.getInt32(timeAt + 8 * row, true) !== timeLow ||
      view.getInt32(timeAt + 8 * row + 4, true) !== timeHigh
    ) return `time of row ${row} is not that of row 0`;
    const end = view.getInt32(offsetsAt + 4 * row + 4, true);
    if (end < start || end > itemCount) {
      return `list offset ${end} of row ${row} is outside ${start} to ${itemCount}`;
    }
    layout.ids[row] = view.getUint32(idAt + 4 * row, true);
    layout.starts[row] = itemsAt + start * sampleBytes;
    layout.lengths[row] = end - start;
    if (
      header.hasNullLists &&
      !bit(value, bodyAt + header.at[LIST_VALIDITY]!, row)
    ) layout.lengths[row] = -1;
    else if (header.hasNullItems) {
      const validityAt = bodyAt + header.at[ITEM_VALIDITY]!;
      for (let item = start; item < end; item++) {
        if (bit(value, validityAt, item)) continue;
        layout.lengths[row] = -1;
        break;
      }
    }
    start = end;
  }
  layout.timeNs = view.getBigInt64(timeAt, true);
  layout.rowCount = rowCount;
  layout.dataType = header.dataType;
  return null;
}

function bit(value: Uint8Array, at: number, index: number): boolean {
  return (value[at + (index >> 3)]! >> (index & 7) & 1) === 1;
}

function parseHeader(value: Uint8Array): Header | string {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const schemaBytes = prefixedBytes(view, 0);
  if (schemaBytes < 0) return "not an Arrow IPC stream";
  const batchBytes = prefixedBytes(view, schemaBytes);
  if (batchBytes < 0) return "no record batch follows the schema";
  if (schemaBytes + batchBytes > HEADER_BYTES_MAX) {
    return `header of ${
      schemaBytes + batchBytes
    } bytes, at most ${HEADER_BYTES_MAX} are taken`;
  }
  // Kafka's values are Buffers, whose slice() returns a view, not a copy.
  const bytes = Uint8Array.from(value.subarray(0, schemaBytes + batchBytes));
  const header = new DataView(bytes.buffer);
  try {
    const schema = new MessageHeader(header, 0);
    if (schema.headerType !== HEADER_SCHEMA || schema.bodyBytes !== 0) {
      return "the first message is not a schema";
    }
    const dataType = dataTypeOf(schema);
    if (dataType === null) {
      return "columns are not time: int64, id: uint32, data: list<T>";
    }
    const batch = new MessageHeader(header, schemaBytes);
    if (batch.headerType !== HEADER_RECORD_BATCH) {
      return "the second message is not a record batch";
    }
    return checkedHeader(bytes, batch, dataType);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return "the header points outside itself";
  }
}

function checkedHeader(
  bytes: Uint8Array,
  batch: MessageHeader,
  dataType: DataType,
): Header | string {
  if (batch.isCompressed) return "compressed buffers are not supported";
  const { nodeCount, bufferCount, rowCount, bodyBytes } = batch;
  if (nodeCount !== NODE_COUNT || bufferCount !== BUFFER_COUNT) {
    return `${nodeCount} nodes and ${bufferCount} buffers, expected ${NODE_COUNT} and ${BUFFER_COUNT}`;
  }
  const itemCount = batch.node(ITEM_NODE).length;
  if (rowCount === 0) return "empty";
  if (!(rowCount > 0 && rowCount <= ROWS_MAX && itemCount >= 0)) {
    return `${rowCount} rows, at most ${ROWS_MAX} are taken`;
  }
  for (const node of [TIME_NODE, ID_NODE, LIST_NODE]) {
    if (batch.node(node).length !== rowCount) {
      return "columns differ in length";
    }
  }
  if (batch.node(TIME_NODE).nullCount || batch.node(ID_NODE).nullCount) {
    return "time and id must not be null";
  }
  const at: number[] = [];
  const bytesOf: number[] = [];
  for (let i = 0; i < BUFFER_COUNT; i++) {
    const buffer = batch.buffer(i);
    at.push(buffer.at);
    bytesOf.push(buffer.bytes);
    if (
      !(at[i]! >= 0 && bytesOf[i]! >= 0 && at[i]! + bytesOf[i]! <= bodyBytes)
    ) {
      return `buffer ${i} lies outside the body`;
    }
  }
  const hasNullLists = batch.node(LIST_NODE).nullCount !== 0;
  const hasNullItems = batch.node(ITEM_NODE).nullCount !== 0;
  const needed = new Array<number>(BUFFER_COUNT).fill(0);
  needed[TIME_DATA] = 8 * rowCount;
  needed[ID_DATA] = 4 * rowCount;
  needed[LIST_OFFSETS] = 4 * (rowCount + 1);
  needed[ITEM_DATA] = SAMPLE_BYTES[dataType] * itemCount;
  if (hasNullLists) needed[LIST_VALIDITY] = Math.ceil(rowCount / 8);
  if (hasNullItems) needed[ITEM_VALIDITY] = Math.ceil(itemCount / 8);
  for (let i = 0; i < BUFFER_COUNT; i++) {
    if (bytesOf[i]! < needed[i]!) {
      return `buffer ${i} has ${bytesOf[i]} bytes, needs ${needed[i]}`;
    }
  }
  return {
    bytes: new KnownBytes(bytes),
    bodyBytes,
    rowCount,
    itemCount,
    dataType,
    hasNullLists,
    hasNullItems,
    at,
  };
}

function dataTypeOf(schema: MessageHeader): DataType | null {
  if (
    schema.fieldCount !== 3 || schema.fieldText(0) !== "time: int64" ||
    schema.fieldText(1) !== "id: uint32"
  ) return null;
  const data = schema.fieldText(2);
  return DATA_TYPES.find((type) => data === `data: list<${type}>`) ?? null;
}
