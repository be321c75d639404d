// The blocks of one partition: where each lies in the page ring, and up to where the partition is settled.
// Invariant: `settled` never goes back (except through reset()), and every stored block below it may be sent.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { PageRing } from "../memory/page_ring.ts";
import {
  type ChannelEntry,
  planRecord,
  recordSamplesAt,
  writeRecord,
} from "./block_record.ts";
import type { Witness } from "./gps_clock.ts";

const INDEX_CAPACITY_MIN = 256;
const INDEX_CAPACITY_MAX = 1 << 20;
/** The index grows only while a quarter of it is in use: two blocks far apart in time are no reason. */
const INDEX_USE_MIN = 1 / 4;

/** A reader that has not reached the log's end for so long was away, ms: four times what a fetch waits. */
const AWAY_MS = 1000;

/** Of so many blocks that were set aside it is known which they were. */
const AHEAD_MAX = 1024;

/** What became of one message. */
export type Arrival =
  | "stored"
  | "late"
  | "duplicate"
  | "future"
  | "bad"
  | "too-large"
  | "reset";

/** Why a partition does not hold rows back. */
export type AbsentReason = "late" | "unreachable";

/**
 * Why a block is not in its row. `missing`: read from the past, where nothing is late by the clock. `future`: it was
 * set aside there, as it was stamped ahead of its production.
 */
export type MissReason = AbsentReason | "missing" | "future";

/** `NOT_HELD`: it was here and its page was taken back. `NONE`: it never came. */
export const NONE = -1;
export const NOT_HELD = -2;

/** In place of a block's index: the message cannot be read, or lies ahead of the clock. */
export const BAD = -1;
export const FUTURE = -2;

export interface PartitionOptions {
  readonly topic: string;
  readonly strideNs: bigint;
  readonly maxLatencyNs: bigint;
  readonly ring: PageRing;
  /** A block that begins later than now plus this is set aside, ms. */
  readonly futureToleranceMs: number;
  /** How long rows wait for a partition that cannot be read, ms. */
  readonly outageWaitMs: number;
  /** GPS ms from which on it is read: rows wait from then for its first fetch. @default for ever */
  readonly wantedMs?: number;
  /** How long nothing is called late after that, ms: publishers must find the broker again, too. */
  readonly outageGraceMs: number;
  /** False in a replay context, whose time is that of its blocks: there nothing is late by the clock. */
  readonly hasClock: boolean;
  /** The log is read from GPS ms on: of blocks that begin there or later none was passed over. @default 0 */
  readonly coveredFromMs?: number;
  /** True where a range of the past is read: time may jump back there. @default false */
  readonly isHistory?: boolean;
}

/** Counters of a partition's messages, all 0. */
export function newBlockCounters() {
  return {
    blocks: 0,
    bytes: 0,
    bad: 0,
    late: 0,
    duplicate: 0,
    future: 0,
    tooLarge: 0,
    missed: 0,
    resets: 0,
    headerHits: 0,
    headerMisses: 0,
  };
}

/** Index and settled watermark of one partition. Block index = block time / stride, an exact number. */
export class PartitionBlocks {
  readonly topic: string;
  readonly strideNs: bigint;
  readonly strideMs: number;
  readonly maxLatencyMs: number;
  readonly ring: PageRing;
  readonly counters = newBlockCounters();
  /** Highest block index stored; −1 before the first. */
  newest = -1;
  /** Blocks below this index are settled: stored, or given up. */
  settled = -1;
  /** The first fetch that reached the high watermark has been answered. */
  hasCaughtUpOnce = false;
  /** Of blocks from this index on, all that the log held has been read. */
  coveredFrom: number;
  /** Null while the partition holds rows back. */
  absent: AbsentReason | null = null;
  /** GPS ms at which a fetch had last reached the high watermark. */
  caughtUpMs = -Infinity;
  /** The same, but held back for the grace after an outage: what has not come by then is late. */
  seenMs = -Infinity;
  #graceEndMs = -Infinity;
  #wasAway = false;
  /** GPS ms from which on an outage is counted. */
  #heardMs: number;
  /** How far ahead of the clock the last message lay that was set aside as of the future; 0 once one is stored. */
  aheadMs = 0;
  /** First reason a message was refused for, for the log. */
  lastBadReason = "";
  readonly #decoder = new BlockDecoder();
  readonly #layout = newBlockLayout();
  readonly futureToleranceMs: number;
  readonly #outageWaitMs: number;
  readonly #outageGraceMs: number;
  readonly #hasClock: boolean;
  readonly #isHistory: boolean;
  /** Blocks given up as their partition could not be read. */
  #unreachableFrom = 0;
  #unreachableTo = 0;
  /** `caughtUpMs` when that was. */
  #unreachableAsOfMs = NaN;
  readonly #ahead = new Set<number>();
  readonly #words: Int32Array;
  #indexOf = new Float64Array(INDEX_CAPACITY_MIN).fill(-1);
  #positionOf = new Float64Array(INDEX_CAPACITY_MIN);
  /** Slots of the index that have an entry. */
  #used = 0;
  /** Entries below this index may have made room for others. */
  #forgottenTo = 0;
  /** Index of a block that jumped back by more than max_latency; a second one in a row confirms a reset. */
  #suspect = -1;

  constructor(options: PartitionOptions) {
    this.topic = options.topic;
    this.strideNs = options.strideNs;
    this.strideMs = Number(options.strideNs) / 1e6;
    this.maxLatencyMs = Number(options.maxLatencyNs) / 1e6;
    this.ring = options.ring;
    this.futureToleranceMs = options.futureToleranceMs || 2 * this.strideMs;
    this.#outageWaitMs = options.outageWaitMs;
    this.#outageGraceMs = options.outageGraceMs;
    this.#heardMs = options.wantedMs ?? Infinity;
    this.#hasClock = options.hasClock;
    this.#isHistory = options.isHistory ?? false;
    this.coveredFrom = Math.ceil(
      (options.coveredFromMs ?? 0) / this.strideMs,
    );
    const bytes = options.ring.bytes;
    this.#words = new Int32Array(
      bytes.buffer,
      bytes.byteOffset,
      Math.floor(bytes.byteLength / 4),
    );
  }

  /** The index of a message's block; negative where it is {@linkcode BAD} or of the {@linkcode FUTURE}. */
  indexOf(value: Uint8Array, gpsMs: number): number {
    const layout = this.#layout;
    const reason = this.#decoder.decode(value, layout);
    this.counters.headerHits = this.#decoder.headerCacheHits;
    this.counters.headerMisses = this.#decoder.headerCacheMisses;
    if (reason !== null) return this.#refuse(reason);
    if (layout.timeNs < 0n || layout.timeNs % this.strideNs !== 0n) {
      return this.#refuse(`time ${layout.timeNs} is not on the stride's grid`);
    }
    const index = Number(layout.timeNs / this.strideNs);
    if (index * this.strideMs > gpsMs + this.futureToleranceMs) {
      this.counters.future++;
      this.aheadMs = index * this.strideMs - gpsMs;
      return FUTURE;
    }
    return index;
  }

  /**
   * Takes one message value (copied). `gpsMs` is GPS ms; NaN where the context has no clock (replay). A block is of
   * the future when it begins after `latestMs` and the tolerance.
   */
  append(value: Uint8Array, gpsMs: number, latestMs = gpsMs): Arrival {
    const index = this.indexOf(value, latestMs);
    if (index < 0) return index === FUTURE ? "future" : "bad";
    if (this.locate(index) >= 0) {
      this.counters.duplicate++;
      return "duplicate";
    }
    if (
      !this.#isHistory && this.newest >= 0 &&
      (this.newest - index) * this.strideMs > this.maxLatencyMs
    ) {
      const confirmed = this.#suspect >= 0 && index > this.#suspect;
      if (!confirmed) {
        this.#suspect = index;
        this.counters.late++;
        return "late";
      }
      this.reset();
      this.coveredFrom = index;
      this.counters.resets++;
      return this.#store(index, value) ? "reset" : "too-large";
    }
    this.#suspect = -1;
    if (!this.#store(index, value)) {
      this.counters.tooLarge++;
      return "too-large";
    }
    if (this.absent !== null) {
      const ageMs = gpsMs - (index + 1) * this.strideMs;
      if (!(ageMs > this.maxLatencyMs)) {
        if (this.absent === "unreachable") {
          this.#giveUp(Math.max(this.settled, index));
        }
        this.absent = null;
        this.settled = Math.max(this.settled, index);
      }
    }
    if (this.hasCaughtUpOnce && index < this.settled) {
      this.counters.late++;
      return "late";
    }
    return "stored";
  }

  /** Forgets everything that was read; the position of the log may be anywhere now. */
  reset(): void {
    this.#indexOf.fill(-1);
    this.#used = 0;
    this.#forgottenTo = 0;
    this.newest = -1;
    this.settled = -1;
    this.absent = null;
    this.#suspect = -1;
    this.#unreachableFrom = 0;
    this.#unreachableTo = 0;
  }

  #refuse(reason: string): number {
    this.counters.bad++;
    this.lastBadReason = reason;
    return BAD;
  }

  #store(index: number, value: Uint8Array): boolean {
    const { valueAt, ids, rows } = planRecord(this.#layout);
    const position = this.ring.reserve(valueAt + value.byteLength);
    if (position < 0) return false;
    const base = this.ring.byteOffset(position);
    writeRecord(this.#words, base / 4, { valueAt, ids, rows }, this.#layout);
    this.ring.bytes.set(value, base + valueAt);
    this.#remember(index, position);
    this.aheadMs = 0;
    this.counters.blocks++;
    this.counters.bytes += value.byteLength;
    // Before the first block of all nothing is waited for, or missing.
    if (this.newest < 0 && this.hasCaughtUpOnce) this.settled = index;
    if (index > this.newest) this.newest = index;
    return true;
  }

  #remember(index: number, position: number): void {
    for (;;) {
      const capacity = this.#indexOf.length;
      const slot = index % capacity;
      const other = this.#indexOf[slot]!;
      if (
        other >= 0 && other !== index &&
        this.ring.holds(this.#positionOf[slot]!)
      ) {
        const isFull = this.#used >= INDEX_USE_MIN * capacity;
        if (isFull && capacity < INDEX_CAPACITY_MAX) {
          this.#grow(capacity * 2);
          continue;
        }
        if (index < other) {
          this.#forgottenTo = Math.max(this.#forgottenTo, index + 1);
          return;
        }
      }
      if (other < 0) this.#used++;
      if (other >= 0 && other !== index) {
        this.#forgottenTo = Math.max(this.#forgottenTo, other + 1);
      }
      this.#indexOf[slot] = index;
      this.#positionOf[slot] = position;
      return;
    }
  }

  #grow(capacity: number): void {
    const indexes = this.#indexOf;
    const positions = this.#positionOf;
    this.#indexOf = new Float64Array(capacity).fill(-1);
    this.#positionOf = new Float64Array(capacity);
    this.#used = 0;
    for (let slot = 0; slot < indexes.length; slot++) {
      const index = indexes[slot]!;
      if (index < 0) continue;
      this.#used++;
      this.#indexOf[index % capacity] = index;
      this.#positionOf[index % capacity] = positions[slot]!;
    }
  }

  /** Places of the index; it grows with the blocks that are held. */
  get indexCapacity(): number {
    return this.#indexOf.length;
  }

  /** Ring position of a block, or {@linkcode NONE}, or {@linkcode NOT_HELD}. */
  locate(index: number): number {
    const slot = index % this.#indexOf.length;
    if (this.#indexOf[slot] !== index) {
      return index < this.#forgottenTo ? NOT_HELD : NONE;
    }
    const position = this.#positionOf[slot]!;
    return this.ring.holds(position) ? position : NOT_HELD;
  }

  /**
   * Byte offset in the ring of a channel's samples in a block, or −1 when the block lacks the channel,
   * or holds it with another type or number of samples.
   */
  samplesAt(position: number, channel: ChannelEntry): number {
    return recordSamplesAt(
      this.#words,
      this.ring.byteOffset(position),
      channel,
    );
  }

  /** Why a block that is not here is not. */
  missReasonOf(index: number): MissReason {
    if (this.#isHistory) return this.#ahead.has(index) ? "future" : "missing";
    if (index >= this.#unreachableFrom && index < this.#unreachableTo) {
      return "unreachable";
    }
    return index >= this.settled && this.absent !== null ? this.absent : "late";
  }

  /** Of the past: a block of this index was set aside as stamped ahead of its production. */
  noteAhead(index: number): void {
    if (this.#ahead.size < AHEAD_MAX) this.#ahead.add(index);
  }

  /** Blocks that were noted so, as far as there was room. */
  get ahead(): ReadonlySet<number> {
    return this.#ahead;
  }

  /** Notes that blocks from `settled` to `to` are missing because they could not be read. */
  #giveUp(to: number): void {
    // What is given up in one outage is one span: no hole in it can be late for another reason.
    const goesOn = this.settled <= this.#unreachableTo ||
      this.#unreachableAsOfMs === this.caughtUpMs;
    if (!goesOn) this.#unreachableFrom = this.settled;
    this.#unreachableTo = to;
    this.#unreachableAsOfMs = this.caughtUpMs;
  }

  /** Lowest stored and held index at or above `from`, or Infinity. Linear in the index: for gaps only. */
  nextStored(from: number): number {
    if (from > this.newest) return Infinity;
    let next = Infinity;
    for (let slot = 0; slot < this.#indexOf.length; slot++) {
      const index = this.#indexOf[slot]!;
      if (index < from || index >= next) continue;
      if (this.ring.holds(this.#positionOf[slot]!)) next = index;
    }
    return next;
  }

  /** A fetch answered at GPS ms `atMs` had reached the high watermark. */
  caughtUp(atMs: number): void {
    if (
      this.hasCaughtUpOnce &&
      (this.#wasAway || atMs - this.caughtUpMs > AWAY_MS)
    ) {
      this.#graceEndMs = atMs + this.#outageGraceMs;
    }
    this.#wasAway = false;
    if (atMs > this.caughtUpMs) this.caughtUpMs = atMs;
    this.#heardMs = this.caughtUpMs;
    if (this.caughtUpMs >= this.#graceEndMs) this.seenMs = this.caughtUpMs;
    if (this.hasCaughtUpOnce) return;
    this.hasCaughtUpOnce = true;
    this.settled = this.newest + 1;
    if (this.#hasClock && this.newest >= 0) {
      // A block that is missing now may still come within its latency.
      const open = Math.floor((atMs - this.maxLatencyMs) / this.strideMs);
      const first = Math.max(open, this.nextStored(0));
      this.settled = Math.min(first, this.settled);
      this.settle(atMs);
    }
    const ageMs = atMs - (this.newest + 1) * this.strideMs;
    if (this.newest < 0 || ageMs > this.maxLatencyMs + this.strideMs) {
      this.absent = "late";
    }
  }

  /** Its reader may have been away for longer than the clock says: the grace of an outage follows. */
  wasAway(): void {
    this.#wasAway = true;
  }

  /** Its broker failed or its leader moved at GPS ms `gpsMs`: the grace of an outage begins. */
  trouble(gpsMs: number): void {
    this.#graceEndMs = Math.max(
      this.#graceEndMs,
      gpsMs + this.#outageGraceMs,
    );
  }

  /** Moves `settled` as far as arrivals, the clock and the reader allow. `gpsMs`: GPS ms. */
  settle(gpsMs: number): void {
    if (!this.hasCaughtUpOnce) {
      if (!this.#outage(gpsMs)) return;
      this.hasCaughtUpOnce = true;
      this.settled = this.newest + 1;
      this.absent = "unreachable";
    }
    while (this.settled <= this.newest) {
      if (this.locate(this.settled) !== NONE) {
        this.settled++;
        continue;
      }
      const deadlineMs = (this.settled + 1) * this.strideMs + this.maxLatencyMs;
      const isLate = this.seenMs >= deadlineMs;
      if (!isLate && !(gpsMs >= deadlineMs && this.#outage(gpsMs))) return;
      // Every block up to the deadline's is lost; jump, since a publisher may have been away for hours.
      const lastLost = Math.floor(
        ((isLate ? this.seenMs : gpsMs) - this.maxLatencyMs) / this.strideMs,
      );
      const next = Math.min(this.nextStored(this.settled), lastLost);
      const to = Math.max(next, this.settled + 1);
      if (!isLate) this.#giveUp(to);
      this.counters.missed += to - this.settled;
      this.settled = to;
    }
    if (this.absent !== null) return;
    const deadlineMs = (this.settled + 1) * this.strideMs + this.maxLatencyMs;
    if (this.seenMs >= deadlineMs) {
      this.absent = "late";
      this.counters.missed++;
    } else if (gpsMs >= deadlineMs && this.#outage(gpsMs)) {
      this.absent = "unreachable";
      this.counters.missed++;
    }
  }

  /**
   * The clock was set by so many ms: waits go on as they were. What was read to the log's end as of some time was not
   * read further by that; but where time was ahead, it was not read so far.
   */
  shiftClock(byMs: number): void {
    this.#graceEndMs += byMs;
    this.#heardMs += byMs;
    if (byMs > 0) return;
    const isUnreachable = this.#unreachableAsOfMs === this.caughtUpMs;
    this.caughtUpMs += byMs;
    this.seenMs += byMs;
    if (isUnreachable) this.#unreachableAsOfMs = this.caughtUpMs;
  }

  /** What its newest block says of the time, see {@linkcode GpsClock}. */
  witness(): Witness {
    const startMs = this.newest * this.strideMs;
    return {
      startMs,
      endMs: startMs + this.strideMs,
      toleranceMs: this.futureToleranceMs,
      ageMsMax: this.maxLatencyMs + this.strideMs,
    };
  }

  #outage(gpsMs: number): boolean {
    return this.#hasClock && gpsMs - this.#heardMs > this.#outageWaitMs;
  }
}
