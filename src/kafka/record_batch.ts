// Decodes one record batch: its head, and its records one by one.
// Invariant: every length is checked against the bytes that are there, so no claimed number costs more than the bytes
// that came.
import type { Buffer } from "node:buffer";

/** One record of a topic. Views: valid until its reader returns. */
export interface KafkaRecord {
  readonly offset: number;
  /** Unix ms; −1 where it is not a time. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

// A record batch:
//   byte offset  0  int64  first offset
//                8  int32  length of what follows
//               16  int8   magic, 2
//               21  int16  attributes: bits 0–2 compression, 3 times are the broker's, 4 transactional, 5 control
//               23  int32  last offset, relative to the first
//               27  int64  time of the first record, Unix ms
//               35  int64  largest time
//               43  int64  producer id, −1 for none
//               57  int32  number of records
//               61         records, compressed together
const FIRST_OFFSET = 0;
const LENGTH = 8;
const PREFIX_BYTES = 12;
const MAGIC = 16;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const FIRST_TIME = 27;
const LARGEST_TIME = 35;
const PRODUCER_ID = 43;
const RECORD_COUNT = 57;
export const HEAD_BYTES = 61;
const COMPRESSION = 0x7;
const BROKER_TIME = 0x8;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** The most records of one batch: a producer that fills 10 MB writes 100,000 of 100 bytes. */
export const RECORDS_MAX = 500_000;
/** Length, attributes, time, offset, key, value and headers, each at least a byte. */
const RECORD_BYTES_MIN = 7;

/** The fields of a batch's head. */
export interface BatchHead {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly magic: number;
  readonly codec: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly producerId: bigint;
  readonly recordCount: number;
  readonly firstTimeMs: number;
  /** The time of all records, where the broker sets it; else null. */
  readonly brokerTimeMs: number | null;
  /** The bytes of the records, compressed or not. */
  readonly body: Buffer;
  /** Byte offset of the next batch. */
  readonly end: number;
}

/** Decodes the head at a byte offset; null where the batch is cut short. */
export function headAt(bytes: Buffer, at: number): BatchHead | null {
  if (at + HEAD_BYTES > bytes.length) return null;
  const end = at + PREFIX_BYTES + bytes.readInt32BE(at + LENGTH);
  if (end > bytes.length || end < at + HEAD_BYTES) return null;
  const attributes = bytes.readInt16BE(at + ATTRIBUTES);
  const firstOffset = Number(bytes.readBigInt64BE(at + FIRST_OFFSET));
  const magic = bytes.readInt8(at + MAGIC);
  const delta = bytes.readInt32BE(at + LAST_OFFSET_DELTA);
  return {
    firstOffset,
    lastOffset: firstOffset + (magic === 2 ? Math.max(0, delta) : 0),
    magic,
    codec: attributes & COMPRESSION,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    producerId: bytes.readBigInt64BE(at + PRODUCER_ID),
    recordCount: bytes.readInt32BE(at + RECORD_COUNT),
    firstTimeMs: Number(bytes.readBigInt64BE(at + FIRST_TIME)),
    brokerTimeMs: (attributes & BROKER_TIME) === 0
      ? null
      : Number(bytes.readBigInt64BE(at + LARGEST_TIME)),
    body: bytes.subarray(at + HEAD_BYTES, end),
    end,
  };
}

/** Throws where a batch claims more than RECORDS_MAX records. */
export function checkRecordCount({ recordCount }: BatchHead): void {
  if (recordCount < 0 || recordCount > RECORDS_MAX) {
    throw new RangeError(
      `${recordCount} records in a batch, at most ${RECORDS_MAX} are accepted`,
    );
  }
}

// A record; varints are zigzag:
//   varint length of what follows, int8 attributes, varint64 time and varint offset, relative to the batch's first,
//   varint length and bytes of key and value (−1: null), then headers, which are not decoded.

/** Decodes the records of a batch in order. */
export class RecordReader {
  readonly #head: BatchHead;
  readonly #bytes: Buffer;
  #at = 0;
  #left: number;
  #lastOffset = -1;

  /** `bytes`: the records, decompressed. */
  constructor(head: BatchHead, bytes: Buffer) {
    checkRecordCount(head);
    const { recordCount } = head;
    if (recordCount * RECORD_BYTES_MIN > bytes.length) {
      throw new RangeError(
        `${recordCount} records do not fit in ${bytes.length} bytes`,
      );
    }
    this.#head = head;
    this.#bytes = bytes;
    this.#left = recordCount;
  }

  /** The next record; null after the last. */
  next(): KafkaRecord | null {
    if (this.#left === 0) return null;
    this.#left--;
    const { firstOffset, lastOffset, firstTimeMs, brokerTimeMs } = this.#head;
    const length = this.#varint(this.#bytes.length);
    const end = this.#at + length;
    if (length < RECORD_BYTES_MIN - 1 || end > this.#bytes.length) {
      throw new RangeError(`a record of ${length} bytes is cut short`);
    }
    this.#at++; // attributes
    const timestampMs = firstTimeMs + this.#varint(end);
    const offset = firstOffset + this.#varint(end);
    if (offset < firstOffset || offset > lastOffset) {
      throw new RangeError(`a record's offset ${offset} is not in its batch`);
    }
    if (offset <= this.#lastOffset) {
      throw new RangeError(`a record's offset ${offset} comes twice`);
    }
    this.#lastOffset = offset;
    const key = this.#data(end);
    const value = this.#data(end);
    this.#at = end;
    return {
      offset,
      timestampMs: timeOf(brokerTimeMs ?? timestampMs),
      key,
      value,
    };
  }

  #data(end: number): Uint8Array | null {
    const length = this.#varint(end);
    if (length === -1) return null;
    if (length < 0 || this.#at + length > end) {
      throw new RangeError(`${length} bytes of a record are cut short`);
    }
    return this.#bytes.subarray(this.#at, this.#at += length);
  }

  #varint(end: number): number {
    const bytes = this.#bytes;
    const first = this.#at < end ? bytes[this.#at]! : 0x80;
    if (first < 0x80) {
      this.#at++;
      return (first >> 1) ^ -(first & 1);
    }
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= end) throw new RangeError("a record is cut short");
      const byte = bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
    }
    throw new RangeError("a varint of a record has more than 10 bytes");
  }
}

/** Whether a control batch marks its transaction as aborted. */
export function isAbortMarker(head: BatchHead): boolean {
  // The key: int16 version, int16 type (0: abort, 1: commit).
  const key = new RecordReader(head, head.body).next()?.key;
  if (!key || key.byteLength < 4) return false;
  return key[2] === 0 && key[3] === 0;
}

function timeOf(unixMs: number): number {
  return Number.isSafeInteger(unixMs) && unixMs >= 0 ? unixMs : -1;
}
