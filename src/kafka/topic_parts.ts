// Decodes a topic's batches into records, a part at a time, so that a large or a damaged batch does not delay others.
// Invariant: every offset from the requested one to the last part's `nextOffset` is a record, lies in a gap, or belongs
// to a control batch or an aborted transaction; no offset comes twice.
import type { Buffer } from "node:buffer";
import { CODEC_NONE, expand, expandedBytesMax } from "./codecs.ts";
import { ABORTED_BYTES, type RawTopic } from "./fetch_answer.ts";
import {
  BATCH_BYTES_MAX,
  type KafkaTask,
  type KafkaWork,
} from "./kafka_work.ts";
import {
  type BatchHead,
  checkRecordCount,
  headAt,
  isAbortMarker,
  type KafkaRecord,
  RecordReader,
} from "./record_batch.ts";

/** Offsets `from` to `to` (exclusive) without a record. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Why they could not be decoded; null where the log does not have them. */
  readonly damage: string | null;
}

/** One part of an answer for one topic. */
export interface FetchedTopic {
  readonly topic: string;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** No transaction is open below it: it is the end of what is read. */
  readonly lastStableOffset: number;
  readonly records: readonly KafkaRecord[];
  /** Sorted by offset. In a compacted topic, gaps without damage are normal. */
  readonly gaps: readonly Gap[];
  /** The offset after this part; −1 when it had nothing. */
  readonly nextOffset: number;
  /** It is the last part of the answer. */
  readonly isLast: boolean;
}

/** A part ends at the first of these. */
export const PART_RECORDS = 256;
export const PART_BYTES = 1024 * 1024;
/** The most batches without records in one part. */
const PART_BATCHES = 1024;
const REASON_CHARS_MAX = 200;

/** ns for a record, for a batch, and for an aborted transaction in the list. */
const COST_RECORD = 300;
const COST_BATCH = 1000;
const COST_ABORTED = 300;

/** Decodes one topic of one answer. It closes itself at the end; a caller that stops earlier must close it. */
export class TopicParts {
  readonly #raw: RawTopic;
  readonly #work: KafkaWork;
  readonly #task: KafkaTask;
  /** First offsets of aborted transactions that have not ended yet, by producer. */
  #aborted: Map<bigint, number[]> | null = null;
  #at = 0;
  /** The current batch. */
  #head: BatchHead | null = null;
  #records: RecordReader | null = null;
  /** Offsets below it are handled. */
  #expected: number;
  /** Bytes of the values in the current part. */
  #partBytes = 0;
  #heldBytes = 0;
  #isDone = false;

  /** `fromOffset`: the requested offset, which lies anywhere in the first batch. */
  constructor(raw: RawTopic, fromOffset: number, work: KafkaWork) {
    this.#raw = raw;
    this.#expected = fromOffset;
    this.#work = work;
    this.#task = work.task("decode");
  }

  /** Bytes of the current batch where it was decompressed. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The next part; null after the last. */
  async next(): Promise<FetchedTopic | null> {
    if (this.#isDone) return null;
    const records: KafkaRecord[] = [];
    const gaps: Gap[] = [];
    const fromOffset = this.#expected;
    this.#partBytes = 0;
    let hasBatch = false;
    let isFull = false;
    this.#task.start();
    try {
      if (this.#work.slices.isSpent) await this.#task.turn();
      this.#aborted ??= await this.#listAborted();
      let batches = 0;
      while (!isFull && (this.#head !== null || await this.#open(gaps))) {
        hasBatch = true;
        isFull = this.#read(records, gaps) || ++batches === PART_BATCHES;
      }
    } finally {
      this.#task.stop();
    }
    if (!isFull) this.close();
    const { topic, errorCode, highWatermark, lastStableOffset } = this.#raw;
    return {
      topic,
      errorCode,
      highWatermark,
      lastStableOffset,
      records,
      gaps,
      nextOffset: hasBatch || this.#expected > fromOffset ? this.#expected : -1,
      isLast: !isFull,
    };
  }

  /** Releases the memory of the current batch. Idempotent. */
  close(): void {
    this.#isDone = true;
    this.#endBatch();
  }

  /** Opens the next batch; false when there is none. */
  async #open(gaps: Gap[]): Promise<boolean> {
    const head = headAt(this.#raw.batches, this.#at);
    if (head === null) return false; // cut short: it is fetched again
    this.#at = head.end;
    this.#head = head;
    this.#task.spend(COST_BATCH);
    this.#pass(head.firstOffset, null, gaps);
    if (head.magic !== 2) {
      const reason = `message format ${head.magic}; Kafka writes 2 since 0.11`;
      this.#pass(head.lastOffset + 1, reason, gaps);
    } else if (this.#isSkipped(head)) {
      this.#expected = Math.max(this.#expected, head.lastOffset + 1);
    } else {
      try {
        checkRecordCount(head);
        const body = await this.#bodyOf(head);
        if (!this.#isDone) this.#records = new RecordReader(head, body);
      } catch (error) {
        if (!this.#isDone) this.#damaged(error as Error, gaps);
      }
      // It was closed in the meantime: release what was reserved since then.
      if (this.#isDone) this.#endBatch();
    }
    return !this.#isDone;
  }

  /** Reads on in the batch; true when the part is full. */
  #read(records: KafkaRecord[], gaps: Gap[]): boolean {
    const head = this.#head!;
    const reader = this.#records;
    let count = 0;
    try {
      while (reader !== null && records.length < PART_RECORDS) {
        const record = reader.next();
        if (record === null) {
          this.#pass(head.lastOffset + 1, null, gaps);
          break;
        }
        count++;
        if (record.offset < this.#expected) {
          // The batch may begin below the requested offset.
          if (count < PART_RECORDS) continue;
          return true;
        }
        this.#pass(record.offset, null, gaps);
        records.push(record);
        this.#expected = record.offset + 1;
        this.#partBytes += record.value?.byteLength ?? 0;
        if (this.#partBytes >= PART_BYTES) return true;
      }
      if (records.length === PART_RECORDS) return true;
    } catch (error) {
      this.#damaged(error as Error, gaps);
    } finally {
      this.#task.spend(COST_RECORD * count);
    }
    this.#endBatch();
    return false;
  }

  /** Decompresses a batch's records, with memory reserved for them. */
  async #bodyOf({ codec, body, recordCount }: BatchHead): Promise<Buffer> {
    if (codec === CODEC_NONE || recordCount === 0) return body;
    const mostBytes = expandedBytesMax(codec, body.length, BATCH_BYTES_MAX);
    this.#task.stop();
    await this.#work.room.reserve(mostBytes);
    this.#heldBytes = mostBytes;
    this.#task.start();
    const content = await expand(codec, body, mostBytes, this.#task);
    if (this.#isDone) return content;
    this.#work.room.release(mostBytes - content.length);
    this.#heldBytes = content.length;
    return content;
  }

  #endBatch(): void {
    this.#head = null;
    this.#records = null;
    const heldBytes = this.#heldBytes;
    this.#heldBytes = 0;
    if (heldBytes > 0) this.#work.room.release(heldBytes);
  }

  #damaged({ message }: Error, gaps: Gap[]): void {
    const reason = String(message).slice(0, REASON_CHARS_MAX);
    this.#pass(this.#head!.lastOffset + 1, reason, gaps);
    this.#records = null;
  }

  #pass(to: number, damage: string | null, gaps: Gap[]): void {
    if (to <= this.#expected) return;
    gaps.push({ from: this.#expected, to, damage });
    this.#expected = to;
  }

  /** Whether a batch is a control batch, or belongs to a transaction that was aborted. */
  #isSkipped(head: BatchHead): boolean {
    const { producerId, lastOffset } = head;
    const firsts = this.#aborted!.get(producerId);
    if (!head.isControl) {
      return head.isTransactional && firsts !== undefined &&
        firsts.length > 0 && firsts.at(-1)! <= lastOffset;
    }
    let isAbort = false;
    try {
      isAbort = isAbortMarker(head);
    } catch {
      // A damaged marker ends nothing.
    }
    while (isAbort && firsts?.length && firsts.at(-1)! <= lastOffset) {
      firsts.pop();
    }
    return true;
  }

  /** By producer, the latest transaction first. */
  async #listAborted(): Promise<Map<bigint, number[]>> {
    const { aborted } = this.#raw;
    const byProducer = new Map<bigint, number[]>();
    for (let at = 0; at + ABORTED_BYTES <= aborted.length;) {
      const producerId = aborted.readBigInt64BE(at);
      const firsts = byProducer.get(producerId) ?? [];
      if (firsts.length === 0) byProducer.set(producerId, firsts);
      firsts.push(Number(aborted.readBigInt64BE(at + 8)));
      at += ABORTED_BYTES;
      this.#task.spend(COST_ABORTED);
      if (this.#work.slices.isSpent) await this.#task.turn();
    }
    for (const firsts of byProducer.values()) firsts.sort((a, b) => b - a);
    return byProducer;
  }
}
