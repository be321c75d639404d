// The messages of Arrow Flight that Qanat reads and writes (Flight.proto), with the wire format of a protobuf library.
// Invariant: reading takes at most the bytes of the message, and FIELDS_MAX fields; what is not valid protobuf throws BadMessageError. FlightData
// is not here: src/frames/flight_data.ts writes it.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Bytes that are not the message that was expected. */
export class BadMessageError extends Error {
  override name = "BadMessageError";
}

/** What a client asks about: `command` of a descriptor of the type CMD, else null. */
export interface Descriptor {
  readonly command: Uint8Array | null;
}

/** Where a client gets a part of the answer. */
export interface Endpoint {
  readonly ticket: Uint8Array;
  readonly location: string;
}

export interface FlightInfo {
  /** Encapsulated schema message. */
  readonly schema: Uint8Array;
  /** Element of the path of the descriptor. */
  readonly path: Uint8Array;
  readonly endpoints: readonly Endpoint[];
}

const DESCRIPTOR = { type: 1, command: 2, path: 3 } as const;
const TYPE_PATH = 1;
const TYPE_COMMAND = 2;
const TICKET = 1;
const ACTION_TYPE = 1;
const INFO = {
  schema: 1,
  descriptor: 2,
  endpoint: 3,
  records: 4,
  bytes: 5,
} as const;
const ENDPOINT = { ticket: 1, location: 2 } as const;
const LOCATION_URI = 1;
const RESULT_BODY = 1;
const ACTION = { type: 1, description: 2 } as const;
const FIRST_OF_EXCHANGE = 1;
/** Fields of a message, with those that are skipped: a message has room for a million. */
const FIELDS_MAX = 1000;

export function readDescriptor(bytes: Uint8Array): Descriptor {
  let type = 0;
  let command: Uint8Array = new Uint8Array(0);
  eachField(bytes, (field, wireType, reader) => {
    if (field === DESCRIPTOR.type && wireType === WireType.Varint) {
      type = reader.int32();
    } else if (field === DESCRIPTOR.command && isBytes(wireType)) {
      command = reader.bytes();
    } else return false;
    return true;
  });
  return { command: type === TYPE_COMMAND ? command : null };
}

/** The descriptor of the first FlightData of a DoExchange or DoPut. */
export function readExchange(bytes: Uint8Array): Descriptor {
  return readDescriptor(bytesOf(bytes, FIRST_OF_EXCHANGE));
}

/** The bytes of a ticket. */
export function readTicket(bytes: Uint8Array): Uint8Array {
  return bytesOf(bytes, TICKET);
}

/** The type of an action. */
export function readAction(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytesOf(bytes, ACTION_TYPE));
}

export function writeFlightInfo(info: FlightInfo): Uint8Array {
  const writer = new BinaryWriter();
  put(writer, INFO.schema, info.schema);
  writer.tag(INFO.descriptor, WireType.LengthDelimited).fork();
  writer.tag(DESCRIPTOR.type, WireType.Varint).int32(TYPE_PATH);
  put(writer, DESCRIPTOR.path, info.path);
  writer.join();
  for (const { ticket, location } of info.endpoints) {
    writer.tag(INFO.endpoint, WireType.LengthDelimited).fork();
    writer.tag(ENDPOINT.ticket, WireType.LengthDelimited).fork();
    put(writer, TICKET, ticket);
    writer.join();
    writer.tag(ENDPOINT.location, WireType.LengthDelimited).fork();
    writer.tag(LOCATION_URI, WireType.LengthDelimited).string(location);
    writer.join().join();
  }
  // −1: not known.
  writer.tag(INFO.records, WireType.Varint).int64(-1);
  writer.tag(INFO.bytes, WireType.Varint).int64(-1);
  return writer.finish();
}

/** The result of an action. */
export function writeResult(body: Uint8Array): Uint8Array {
  const writer = new BinaryWriter();
  put(writer, RESULT_BODY, body);
  return writer.finish();
}

export function writeActionType(type: string, description: string): Uint8Array {
  return new BinaryWriter()
    .tag(ACTION.type, WireType.LengthDelimited).string(type)
    .tag(ACTION.description, WireType.LengthDelimited).string(description)
    .finish();
}

function put(writer: BinaryWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, WireType.LengthDelimited).bytes(bytes);
}

/** The last value of a field of bytes; empty where there is none. */
function bytesOf(message: Uint8Array, wanted: number): Uint8Array {
  let found: Uint8Array = new Uint8Array(0);
  eachField(message, (field, wireType, reader) => {
    if (field !== wanted || !isBytes(wireType)) return false;
    found = reader.bytes();
    return true;
  });
  return found;
}

function isBytes(wireType: WireType): boolean {
  return wireType === WireType.LengthDelimited;
}

/** Calls `take` with each field; skips those that it does not read. */
function eachField(
  bytes: Uint8Array,
  take: (field: number, wireType: WireType, reader: BinaryReader) => boolean,
): void {
  try {
    const reader = new BinaryReader(bytes);
    for (let count = 1; reader.pos < reader.len; count++) {
      if (count > FIELDS_MAX) throw new Error(`more than ${FIELDS_MAX} fields`);
      const [field, wireType] = reader.tag();
      if (!take(field, wireType, reader)) reader.skip(wireType, field);
    }
  } catch (error) {
    throw new BadMessageError(
      `The message is not valid protobuf: ${(error as Error).message}`,
    );
  }
}
