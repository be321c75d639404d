// From a topic's batches to its records, a part at a time, so that neither a large batch nor a damaged one costs others.
// Invariant: every offset from the asked one to the last part's `nextOffset` is a record, lies in a gap, or belongs to
// a control batch or an aborted transaction; no offset comes twice.
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

/** Offsets `from` to `to` (exclusive) that brought no record. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Why they could not be decoded; null where the log does not hold them. */
  readonly damage: string | null;
}

/** What was decoded of one topic at once. */
export interface FetchedTopic {
  readonly topic: string;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** The end of what is read: no transaction is open below it. */
  readonly lastStableOffset: number;
  readonly records: readonly KafkaRecord[];
  /** By offset. In a compacted topic gaps without damage are normal. */
  readonly gaps: readonly Gap[];
  /** Offset behind what this part brought; −1 when there was nothing. */
  readonly nextOffset: number;
  /** No further part follows of this answer. */
  readonly isLast: boolean;
}

/** A part ends at the first of these. */
export const PART_RECORDS = 256;
export const PART_BYTES = 1024 * 1024;
/** Batches without records that are passed over in one part. */
const PART_BATCHES = 1024;
const REASON_CHARS_MAX = 200;

/** ns a record, and a batch, and an aborted transaction of the list. */
const COST_RECORD = 300;
const COST_BATCH = 1000;
const COST_ABORTED = 300;

/** Decodes one topic of one answer. Closed at its end, and by whoever gives up before. */
export class TopicParts {
  readonly #raw: RawTopic;
  readonly #work: KafkaWork;
  readonly #task: KafkaTask;
  /** First offsets of the aborted transactions of each producer that have not ended yet. */
  #aborted: Map<bigint, number[]> | null = null;
  #at = 0;
  /** The batch that is being read. */
  #head: BatchHead | null = null;
  #records: RecordReader | null = null;
  /** Offsets below it are done with. */
  #expected: number;
  /** Bytes of the values in the part that is being made. */
  #partBytes = 0;
  #heldBytes = 0;
  #isDone = false;

  /** `fromOffset`: the offset that was asked for, which lies anywhere in the first batch. */
  constructor(raw: RawTopic, fromOffset: number, work: KafkaWork) {
    this.#raw = raw;
    this.#expected = fromOffset;
    this.#work = work;
    this.#task = work.task("decode");
  }

  /** Bytes of the batch that was decompressed and is still being read. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The next part; null behind the last. */
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

  /** Gives back what is held. Idempotent. */
  close(): void {
    this.#isDone = true;
    this.#endBatch();
  }

  /** Takes the next batch that has something to read; false when there is none. */
  async #open(gaps: Gap[]): Promise<boolean> {
    const head = headAt(this.#raw.batches, this.#at);
    if (head === null) return false; // cut short: asked for again
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
      // Closed in the meantime: what was reserved since then goes back.
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
          // Offsets below the asked one are part of its batch.
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

  /** Decompresses a batch's records, with room for them. */
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

  /** By producer, its latest transaction first. */
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
