// Messages of Arrow Flight (FlightData, in the frame of gRPC) around the bytes of Arrow messages.
// Invariant: written by hand, since a row is written once for all clients; all other messages of Flight are made with a
// library, in src/flight.
import { PREFIX_BYTES, prefixedBytes } from "../arrow/message_header.ts";
import { concat } from "./concat.ts";

// One message of gRPC:
//   0  uint8   0: not compressed
//   1  uint32  bytes of the FlightData that follows, big-endian
// FlightData (protobuf; a varint has 7 bits a byte, the lowest first):
//   0x12       field 2, data_header: varint length, the metadata of an Arrow message without its prefix
//   0xC2 0x3E  field 1000, data_body: varint length, the body of the Arrow message
//   0x1A       field 3, app_metadata: varint length, bytes (JSON, where Qanat sends any)
export const GRPC_PREFIX_BYTES = 5;
const HEADER_TAG = 0x12;
const BODY_TAG = [0xc2, 0x3e] as const;
const APP_METADATA_TAG = 0x1a;
const LENGTH_AT = 1;
const encoder = new TextEncoder();

/** The bytes in front of the metadata of a FlightData whose parts have these lengths. */
export function headOf(headerBytes: number, bodyBytes: number): Uint8Array {
  const length = varint(headerBytes);
  const flightDataBytes = 1 + length.length + headerBytes +
    betweenOf(bodyBytes).byteLength + bodyBytes;
  const head = new Uint8Array(GRPC_PREFIX_BYTES + 1 + length.length);
  new DataView(head.buffer).setUint32(LENGTH_AT, flightDataBytes);
  head[GRPC_PREFIX_BYTES] = HEADER_TAG;
  head.set(length, GRPC_PREFIX_BYTES + 1);
  return head;
}

/** The bytes between metadata and body. */
export function betweenOf(bodyBytes: number): Uint8Array {
  return Uint8Array.of(...BODY_TAG, ...varint(bodyBytes));
}

/** An Arrow message with its prefix, as a message of gRPC. */
export function flightData(message: Uint8Array): Uint8Array {
  const view = new DataView(
    message.buffer,
    message.byteOffset,
    message.byteLength,
  );
  const bodyAt = prefixedBytes(view, 0);
  const header = message.subarray(PREFIX_BYTES, bodyAt);
  const body = message.subarray(bodyAt);
  return concat([
    headOf(header.byteLength, body.byteLength),
    header,
    betweenOf(body.byteLength),
    body,
  ]);
}

/** A message of protobuf in the frame of gRPC. */
export function framed(message: Uint8Array): Uint8Array {
  const made = new Uint8Array(GRPC_PREFIX_BYTES + message.byteLength);
  new DataView(made.buffer).setUint32(LENGTH_AT, message.byteLength);
  made.set(message, GRPC_PREFIX_BYTES);
  return made;
}

/** A copy of a FlightData in its frame, with JSON as `app_metadata`. */
export function withAppMetadata(framed: Uint8Array, json: unknown): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(json));
  const made = concat([
    framed,
    Uint8Array.of(APP_METADATA_TAG, ...varint(bytes.byteLength)),
    bytes,
  ]);
  const view = new DataView(made.buffer);
  view.setUint32(LENGTH_AT, made.byteLength - GRPC_PREFIX_BYTES);
  return made;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push(value & 127 | 128);
  bytes.push(value);
  return bytes;
}
