// A fetch answer, taken apart by topic; its batches are decoded later (topic_parts.ts).
// Invariant: no count or length is followed beyond the bytes that came.
import type { Buffer } from "node:buffer";
import { WireReader } from "./wire_reader.ts";

/**
 * The fetch version that is spoken: Kafka 2.1 and later. From 11 on a broker answers for partitions that it only
 * follows: after a leader's move the old one went on saying that nothing new was there, as long as it lived.
 */
export const FETCH_VERSION = 10;

/** What an answer says of one topic's partition 0. */
export interface RawTopic {
  readonly topic: string;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Below it no transaction is open: the end of what is read. */
  readonly lastStableOffset: number;
  /** The transactions that were aborted among what the answer holds: int64 producer id, int64 first offset, each. */
  readonly aborted: Buffer;
  readonly batches: Buffer;
}

export const ABORTED_BYTES = 16;

/** Splits an answer by topic; only partition 0 is ever asked for. */
export function splitAnswer(
  bytes: Buffer,
): { errorCode: number; topics: RawTopic[] } {
  const from = new WireReader(bytes, "Fetch answer");
  from.skip(4); // throttle time
  const errorCode = from.int16();
  from.skip(4); // session
  const topics: RawTopic[] = [];
  for (let topicCount = from.int32(); topicCount > 0; topicCount--) {
    const topic = from.text();
    for (let count = from.int32(); count > 0; count--) {
      const partition = from.int32();
      const partitionError = from.int16();
      const highWatermark = from.int64();
      const lastStable = from.int64();
      from.skip(8); // log start offset
      const aborted = from.take(ABORTED_BYTES * Math.max(0, from.int32()));
      const batches = from.take(Math.max(0, from.int32()));
      if (partition !== 0) continue;
      topics.push({
        topic,
        errorCode: partitionError,
        highWatermark,
        lastStableOffset: lastStable < 0 ? highWatermark : lastStable,
        aborted,
        batches,
      });
    }
  }
  return { errorCode, topics };
}
