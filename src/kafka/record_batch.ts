// The records of one batch, by kafkajs's record decoder (docs/decisions/0003), and the loop's time that this takes.
// Invariant: time is counted between awaits only: what zlib's threads or the broker take is nobody's loop time.
import type { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import { lookupCodecByAttributes } from "kafkajs/src/protocol/message/compression/index.js";
import RecordDecoder from "kafkajs/src/protocol/recordBatch/record/v0/decoder.js";
import type { BatchDecoder } from "./fetch_answer.ts";

// What fetch_answer.ts does not need of a batch's head:
//   byte offset 21  int16  attributes: bits 0–2 compression, bit 3 times are the broker's
//               27  int64  time of the first record, Unix ms
//               35  int64  largest time
//               57  int32  number of records
//               61         records, compressed together
const FIRST_OFFSET = 0;
const ATTRIBUTES = 21;
const FIRST_TIME = 27;
const LARGEST_TIME = 35;
const RECORD_COUNT = 57;
const RECORDS = 61;
const BROKER_TIME = 0x8;

/** Time of the event loop spent on Kafka, s. */
export interface KafkaTime {
  /** Answers taken apart: batches, what is decompressed here (snappy, lz4), records. */
  decode: number;
  /** Records handed to their readers, with all that they do in that call. */
  deliver: number;
}

/** Decodes batches; adds its time to `time.decode`. */
export function batchDecoder(
  time: KafkaTime,
  nowMs: () => number = () => performance.now(),
): BatchDecoder {
  return async (batch) => {
    let beganMs = nowMs();
    const attributes = batch.readInt16BE(ATTRIBUTES);
    const codec = lookupCodecByAttributes(attributes);
    let bytes: Buffer = batch.subarray(RECORDS);
    const count = batch.readInt32BE(RECORD_COUNT);
    if (codec && count > 0) {
      const unpacked: Promise<Buffer> = codec.decompress(bytes);
      time.decode += (nowMs() - beganMs) / 1000;
      bytes = await unpacked;
      beganMs = nowMs();
    }
    const context = {
      firstOffset: batch.readBigInt64BE(FIRST_OFFSET).toString(),
      firstTimestamp: batch.readBigInt64BE(FIRST_TIME).toString(),
      maxTimestamp: batch.readBigInt64BE(LARGEST_TIME).toString(),
      timestampType: (attributes & BROKER_TIME) === 0 ? 0 : 1,
      magicByte: 2,
    };
    const decoder = new Decoder(bytes);
    const records = [];
    for (let i = 0; i < count; i++) {
      const record = new Decoder(decoder.readVarIntBytes());
      records.push(RecordDecoder(record, context));
    }
    time.decode += (nowMs() - beganMs) / 1000;
    return records;
  };
}
