// Adds custom metadata to an encapsulated Arrow message without decoding it.
// Invariant: all other bytes of the message stay the same, and it stays aligned to 8 bytes.
import {
  MessageHeader,
  PREFIX_BYTES,
  prefixedBytes,
} from "./message_header.ts";

// The new flatbuffer is written before the old one and still uses its header table, since offsets only point forward.
// Byte offsets from the start of the new flatbuffer:
//    0  uint32  offset of the Message table: 20
//    4  uint16  vtable: its bytes (14), the table's bytes (28), then the offset of each field in the table
//   18  padding
//   20  int32   from the table back to its vtable: 16
//   24  uint32  header      28  uint32  custom_metadata     32  int64  bodyLength
//   40  int16   version     42  uint8   header_type         43  padding
//   48  uint32  custom_metadata: 1 element      52  uint32  offset of KeyValue
//   56  uint16  KeyValue's vtable: 8, 12, 4, 8
//   64  int32   8     68  uint32  offset of key     72  uint32  offset of value
//   76  key: uint32 length, UTF-8, 0, padded to 4; value likewise; padded to 8; then the old flatbuffer
const TABLE = 20;
const VTABLE = 4;
const VECTOR = 48;
const PAIR_VTABLE = 56;
const PAIR = 64;
const KEY = 76;
const VERSION_V5 = 4;
const encoder = new TextEncoder();

/** A copy of `message` (prefix, metadata, body) with one key and value as its custom metadata. */
export function withMetadata(
  message: Uint8Array,
  key: string,
  value: string,
): Uint8Array {
  const old = new DataView(message.buffer, message.byteOffset);
  const { headerType, bodyBytes, headerAt } = new MessageHeader(old, 0);
  const oldBytes = prefixedBytes(old, 0) - PREFIX_BYTES;
  const keyText = encoder.encode(key);
  const valueText = encoder.encode(value);
  const valueAt = KEY + padded(4 + keyText.byteLength + 1, 4);
  const shift = padded(valueAt + 4 + valueText.byteLength + 1, 8);
  const result = new Uint8Array(shift + message.byteLength);
  result.set(message.subarray(0, PREFIX_BYTES));
  result.set(message.subarray(PREFIX_BYTES), PREFIX_BYTES + shift);
  const view = new DataView(result.buffer);
  view.setInt32(4, oldBytes + shift, true);
  const put16 = (at: number, n: number) =>
    view.setUint16(PREFIX_BYTES + at, n, true);
  const put32 = (at: number, n: number) =>
    view.setUint32(PREFIX_BYTES + at, n, true);
  const point = (at: number, to: number) => put32(at, to - at);
  const putText = (at: number, text: Uint8Array) => {
    put32(at, text.byteLength);
    result.set(text, PREFIX_BYTES + at + 4);
  };
  point(0, TABLE);
  // version, header_type, header, bodyLength, custom_metadata
  [14, 28, 20, 22, 4, 12, 8].forEach((n, i) => put16(VTABLE + 2 * i, n));
  put32(TABLE, TABLE - VTABLE);
  point(TABLE + 4, shift + headerAt - PREFIX_BYTES);
  view.setBigInt64(PREFIX_BYTES + TABLE + 12, BigInt(bodyBytes), true);
  point(TABLE + 8, VECTOR);
  put16(TABLE + 20, VERSION_V5);
  result[PREFIX_BYTES + TABLE + 22] = headerType;
  put32(VECTOR, 1);
  point(VECTOR + 4, PAIR);
  [8, 12, 4, 8].forEach((n, i) => put16(PAIR_VTABLE + 2 * i, n));
  put32(PAIR, PAIR - PAIR_VTABLE);
  point(PAIR + 4, KEY);
  point(PAIR + 8, valueAt);
  putText(KEY, keyText);
  putText(valueAt, valueText);
  return result;
}

function padded(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}
