// From the bytes of a fetch answer to records: batch by batch, so that a damaged one costs only itself.
// Invariant: every offset from the asked one to `nextOffset` is a record, lies in a gap, or was a control record.
import type { Buffer } from "node:buffer";

/** One record of a topic. Views: valid until the next turn of the event loop. */
export interface KafkaRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Offsets `from` to `to` (exclusive) that brought no record. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Why they could not be decoded; null where the log does not hold them. */
  readonly damage: string | null;
}

/** What a fetch says of one topic's partition 0. */
export interface FetchedTopic {
  readonly topic: string;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly records: readonly KafkaRecord[];
  /** By offset. In a compacted topic gaps without damage are normal. */
  readonly gaps: readonly Gap[];
  /** Offset behind the last whole batch; −1 when there was none. */
  readonly nextOffset: number;
}

/** The same before its batches are decoded. */
export interface RawTopic {
  readonly topic: string;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly batches: Buffer;
}

/** Decodes the records of one whole batch. */
export type BatchDecoder = (batch: Buffer) => Promise<
  readonly {
    offset: string;
    timestamp: string;
    key: Uint8Array | null;
    value: Uint8Array | null;
  }[]
>;

/**
 * The fetch version that is spoken: Kafka 2.1 and later. From 11 on a broker answers for partitions that it only
 * follows: after a leader's move the old one went on saying that nothing new was there, as long as it lived.
 */
export const FETCH_VERSION = 10;

// A record batch begins:
//   byte offset  0  int64  first offset
//                8  int32  length of what follows
//               16  int8   magic, 2
//               21  int16  attributes
//               23  int32  last offset, relative to the first
const FIRST_OFFSET = 0;
const LENGTH = 8;
const PREFIX_BYTES = 12;
const MAGIC = 16;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const HEAD_BYTES = 61;
const CONTROL_BATCH = 0x20;
const REASON_CHARS_MAX = 200;

/** Splits an answer by topic; only partition 0 is ever asked for. */
export function splitAnswer(
  bytes: Buffer,
): { errorCode: number; topics: RawTopic[] } {
  let at = 4; // throttle time
  const int16 = () => bytes.readInt16BE((at += 2) - 2);
  const int32 = () => bytes.readInt32BE((at += 4) - 4);
  const int64 = () => Number(bytes.readBigInt64BE((at += 8) - 8));
  const errorCode = int16();
  at += 4; // session
  const topics: RawTopic[] = [];
  for (let topicCount = int32(); topicCount > 0; topicCount--) {
    const nameBytes = int16();
    const topic = bytes.toString("utf8", at, at += nameBytes);
    for (let count = int32(); count > 0; count--) {
      at += 4; // partition
      const partitionError = int16();
      const highWatermark = int64();
      at += 16; // last stable offset, log start offset
      const abortedCount = Math.max(0, int32());
      at += 16 * abortedCount;
      const byteLength = Math.max(0, int32());
      topics.push({
        topic,
        errorCode: partitionError,
        highWatermark,
        batches: bytes.subarray(at, at += byteLength),
      });
    }
  }
  return { errorCode, topics };
}

/** Decodes a topic's batches. `fromOffset`: the offset that was asked for, which lies anywhere in the first batch. */
export async function decodeTopic(
  raw: RawTopic,
  fromOffset: number,
  decodeBatch: BatchDecoder,
): Promise<FetchedTopic> {
  const { topic, errorCode, highWatermark, batches: bytes } = raw;
  const records: KafkaRecord[] = [];
  const gaps: Gap[] = [];
  let nextOffset = -1;
  let expected = fromOffset;
  const pass = (to: number, damage: string | null) => {
    if (to <= expected) return;
    gaps.push({ from: expected, to, damage });
    expected = to;
  };
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const first = Number(bytes.readBigInt64BE(at + FIRST_OFFSET));
    const end = at + PREFIX_BYTES + bytes.readInt32BE(at + LENGTH);
    if (end > bytes.length || end <= at) break; // cut short: asked for again
    const magic = bytes.readInt8(at + MAGIC);
    const delta = bytes.readInt32BE(at + LAST_OFFSET_DELTA);
    const to = first + (magic === 2 ? Math.max(0, delta) : 0) + 1;
    pass(first, null);
    if (magic !== 2) {
      pass(to, `message format ${magic}; Kafka writes 2 since 0.11`);
    } else if ((bytes.readInt16BE(at + ATTRIBUTES) & CONTROL_BATCH) !== 0) {
      expected = Math.max(expected, to);
    } else {
      try {
        for (const record of await decodeBatch(bytes.subarray(at, end))) {
          const offset = Number(record.offset);
          if (offset < expected) continue;
          pass(offset, null);
          records.push({
            offset,
            timestampMs: Number(record.timestamp),
            key: record.key,
            value: record.value,
          });
          expected = offset + 1;
        }
        pass(to, null);
      } catch (error) {
        const { message } = error as Error;
        pass(to, String(message).slice(0, REASON_CHARS_MAX));
      }
    }
    nextOffset = expected;
    at = end;
  }
  return { topic, errorCode, highWatermark, records, gaps, nextOffset };
}
