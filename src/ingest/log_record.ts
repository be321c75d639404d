// The records of the log that one thread writes into a shared ring, and the others read: what a source reports, in order.
// Invariant: every record has a head of 64 bytes, and says where the one before it of the same topic is.

// A record in the ring, 64-byte aligned:
//   int32 word 0        kind
//   int32 word 1        number of its topic
//   int32 word 2        bytes of the whole record, a multiple of 64
//   int32 word 3        byte offset of its payload, from the record's start
//   int32 word 4        bytes of its payload
//   float64 at byte 24  position of the record before it of the same topic; −1: none
//   float64 at byte 32  first number
//   float64 at byte 40  second number
//   float64 at byte 48  of a block: when it begins, GPS ms
//   from byte 64        of a block: its record as in blocks/block_record.ts, whose message value is the payload
//                       of others: the payload
export const LOG_HEAD_BYTES = 64;
const HEAD_INTS = LOG_HEAD_BYTES / 4;
const HEAD_FLOATS = LOG_HEAD_BYTES / 8;
const WORD_KIND = 0;
const WORD_TOPIC = 1;
const WORD_BYTES = 2;
const WORD_PAYLOAD_AT = 3;
const WORD_PAYLOAD_BYTES = 4;
const FLOAT_BEFORE = 3;
const FLOAT_FIRST = 4;
const FLOAT_SECOND = 5;
const FLOAT_BLOCK_MS = 6;

/** What a record reports; its two numbers and its payload. */
export const LOG_KIND = {
  /** Nothing: the rest of the buffer was too short for the next record. */
  skip: 1,
  /** A topic got a number; the payload is its name. */
  topic: 2,
  /** Reading begins at the first number, in the terms of `ReadFrom`. */
  start: 3,
  /** Reading has ended. */
  stop: 4,
  /** A message whose block can be read: offset, timestamp in Unix ms; the payload is its value. */
  block: 5,
  /** A message that is no block. The same. */
  other: 6,
  /** The end of the log was reached at the first number, ms of the writing thread's clock. */
  caughtUp: 7,
  disturbed: 8,
  /** Offsets that are missing, from and to. */
  hole: 9,
  /** Reading starts over at an offset. */
  restart: 10,
  /** Messages were lost on the way to the source; 0: its origin may still have them, 1: nothing has. */
  lost: 11,
} as const;
export type LogKind = typeof LOG_KIND[keyof typeof LOG_KIND];

/** The head of a record. */
export interface LogHead {
  kind: LogKind;
  topic: number;
  bytes: number;
  payloadAt: number;
  payloadBytes: number;
  before: number;
  first: number;
  second: number;
  /** When a block begins, GPS ms; Infinity where the record is none. */
  blockMs: number;
}

export function newLogHead(): LogHead {
  return {
    kind: LOG_KIND.skip,
    topic: 0,
    bytes: 0,
    payloadAt: 0,
    payloadBytes: 0,
    before: -1,
    first: 0,
    second: 0,
    blockMs: Infinity,
  };
}

/** Reads and writes heads by byte offset. */
export class LogHeads {
  readonly #ints: Int32Array;
  readonly #floats: Float64Array;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    const ints = Math.floor(byteLength / LOG_HEAD_BYTES) * HEAD_INTS;
    this.#ints = new Int32Array(buffer, byteOffset, ints);
    const floats = Math.floor(byteLength / LOG_HEAD_BYTES) * HEAD_FLOATS;
    this.#floats = new Float64Array(buffer, byteOffset, floats);
  }

  write(at: number, head: LogHead): void {
    const int = at / 4;
    const float = at / 8;
    this.#ints[int + WORD_KIND] = head.kind;
    this.#ints[int + WORD_TOPIC] = head.topic;
    this.#ints[int + WORD_BYTES] = head.bytes;
    this.#ints[int + WORD_PAYLOAD_AT] = head.payloadAt;
    this.#ints[int + WORD_PAYLOAD_BYTES] = head.payloadBytes;
    this.#floats[float + FLOAT_BEFORE] = head.before;
    this.#floats[float + FLOAT_FIRST] = head.first;
    this.#floats[float + FLOAT_SECOND] = head.second;
    this.#floats[float + FLOAT_BLOCK_MS] = head.blockMs;
  }

  read(at: number, head: LogHead): void {
    const int = at / 4;
    const float = at / 8;
    head.kind = this.#ints[int + WORD_KIND] as LogKind;
    head.topic = this.#ints[int + WORD_TOPIC]!;
    head.bytes = this.#ints[int + WORD_BYTES]!;
    head.payloadAt = this.#ints[int + WORD_PAYLOAD_AT]!;
    head.payloadBytes = this.#ints[int + WORD_PAYLOAD_BYTES]!;
    head.before = this.#floats[float + FLOAT_BEFORE]!;
    head.first = this.#floats[float + FLOAT_FIRST]!;
    head.second = this.#floats[float + FLOAT_SECOND]!;
    head.blockMs = this.#floats[float + FLOAT_BLOCK_MS]!;
  }
}
