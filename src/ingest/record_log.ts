// Writes what a source reports into a shared ring, for the threads that serve clients.
// Invariant: a record is whole before readers see it; those of one topic are linked, the newest first.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import { planRecord, writeRecord } from "../blocks/block_record.ts";
import { ALIGN_BYTES } from "../memory/page_ring.ts";
import type { SharedRingWriter } from "../memory/shared_ring.ts";
import type { BlockSink } from "../source/source.ts";
import {
  LOG_HEAD_BYTES,
  LOG_KIND,
  LogHeads,
  type LogKind,
  newLogHead,
} from "./log_record.ts";

/** What a reader that joins needs to know of a topic. */
export interface LogTopic {
  readonly topic: string;
  readonly number: number;
  /** Position of its newest record; −1: none. */
  readonly last: number;
  /** Whether it is read now. */
  readonly isRead: boolean;
}

interface Entry {
  readonly number: number;
  last: number;
  isRead: boolean;
}

export interface RecordLogOptions {
  readonly ring: SharedRingWriter;
  /** Calls back when the running code has returned. @default queueMicrotask */
  readonly later?: (call: () => void) => void;
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** The log of one source. */
export class RecordLog implements BlockSink {
  readonly counters = {
    /** Messages that do not fit into the ring. */
    tooLarge: 0,
  };
  readonly #ring: SharedRingWriter;
  readonly #later: (call: () => void) => void;
  readonly #heads: LogHeads;
  readonly #words: Int32Array;
  readonly #head = newLogHead();
  readonly #topics = new Map<string, Entry>();
  readonly #decoder = new BlockDecoder();
  readonly #layout = newBlockLayout();
  /** Where the next record begins, unless it does not fit behind it. */
  #end = 0;
  #isPublishing = false;

  constructor({ ring, later = queueMicrotask }: RecordLogOptions) {
    this.#ring = ring;
    this.#later = later;
    this.#heads = new LogHeads(ring.bytes);
    const { buffer, byteOffset, byteLength } = ring.bytes;
    const words = Math.floor(byteLength / Int32Array.BYTES_PER_ELEMENT);
    this.#words = new Int32Array(buffer, byteOffset, words);
  }

  /** All topics that have a number. */
  *topics(): Iterable<LogTopic> {
    for (const [topic, { number, last, isRead }] of this.#topics) {
      yield { topic, number, last, isRead };
    }
  }

  /** The reading of a topic begins. `fromMs`: as `Source.subscribe` returned it. */
  start(topic: string, fromMs: number): void {
    this.#entryOf(topic).isRead = true;
    this.#append(LOG_KIND.start, topic, fromMs);
  }

  /** The reading of a topic has ended. */
  stop(topic: string): void {
    this.#entryOf(topic).isRead = false;
    this.#append(LOG_KIND.stop, topic);
  }

  onMessage(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number,
  ): void {
    const isBlock = this.#decoder.decode(value, this.#layout) === null;
    const isStored = isBlock
      ? this.#appendBlock(topic, value, offset, timestampMs)
      : this.#append(LOG_KIND.other, topic, offset, timestampMs, value);
    if (isStored) return;
    this.counters.tooLarge++;
    this.onHole(topic, offset, offset + 1);
  }

  onCaughtUp(topic: string, atClockMs: number): void {
    this.#append(LOG_KIND.caughtUp, topic, atClockMs);
  }

  onDisturbed(topic: string): void {
    this.#append(LOG_KIND.disturbed, topic);
  }

  onHole(topic: string, from: number, to: number): void {
    this.#append(LOG_KIND.hole, topic, from, to);
  }

  onRestart(topic: string, offset: number): void {
    this.#append(LOG_KIND.restart, topic, offset);
  }

  onLost(topic: string, isGone = false): void {
    this.#append(LOG_KIND.lost, topic, isGone ? 1 : 0);
  }

  /** Shows readers everything that was written. It is called by itself once the running code has returned. */
  publish(): void {
    this.#isPublishing = false;
    this.#ring.publish();
  }

  #entryOf(topic: string): Entry {
    const known = this.#topics.get(topic);
    if (known) return known;
    const entry = { number: this.#topics.size, last: -1, isRead: false };
    this.#topics.set(topic, entry);
    this.#append(LOG_KIND.topic, topic, 0, 0, encoder.encode(topic));
    return entry;
  }

  #appendBlock(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number,
  ): boolean {
    const plan = planRecord(this.#layout, value.byteLength);
    const payloadAt = LOG_HEAD_BYTES + plan.valueAt;
    const at = this.#begin(LOG_KIND.block, topic, payloadAt, value);
    if (at < 0) return false;
    const blockMs = Number(this.#layout.timeNs) / 1e6;
    this.#finish(at, offset, timestampMs, blockMs);
    writeRecord(this.#words, (at + LOG_HEAD_BYTES) / 4, plan, this.#layout);
    return true;
  }

  #append(
    kind: LogKind,
    topic: string,
    first = 0,
    second = 0,
    payload: Uint8Array = NOTHING,
  ): boolean {
    const at = this.#begin(kind, topic, LOG_HEAD_BYTES, payload);
    if (at >= 0) this.#finish(at, first, second);
    return at >= 0;
  }

  /** Reserves a record, links it, and writes its payload. Returns its byte offset; −1 when it can never fit. */
  #begin(
    kind: LogKind,
    topic: string,
    payloadAt: number,
    payload: Uint8Array,
  ): number {
    const ring = this.#ring;
    const entry = this.#entryOf(topic);
    const bytes = aligned(payloadAt + payload.byteLength);
    const position = ring.reserve(bytes);
    if (position < 0) return -1;
    if (position !== this.#end) this.#writeSkip(position);
    this.#end = position + bytes;
    const at = ring.byteOffset(position);
    const head = this.#head;
    head.kind = kind;
    head.topic = entry.number;
    head.bytes = bytes;
    head.payloadAt = payloadAt;
    head.payloadBytes = payload.byteLength;
    head.before = entry.last;
    entry.last = position;
    ring.bytes.set(payload, at + payloadAt);
    if (!this.#isPublishing) {
      this.#isPublishing = true;
      this.#later(() => this.publish());
    }
    return at;
  }

  #finish(
    at: number,
    first: number,
    second: number,
    blockMs = Infinity,
  ): void {
    this.#head.first = first;
    this.#head.second = second;
    this.#head.blockMs = blockMs;
    this.#heads.write(at, this.#head);
  }

  /** The record at `position` did not fit behind the last one: says so there. */
  #writeSkip(position: number): void {
    const at = this.#ring.byteOffset(this.#end);
    this.#heads.write(at, {
      ...newLogHead(),
      bytes: position - this.#end,
    });
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES;
}
