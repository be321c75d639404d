// The blocks of one partition: stores each in the page ring, and moves `settled`, below which nothing more is waited for.
// Invariant: `settled` never goes back (except through reset()), and every stored block below it may be sent.
import type { Ring } from "../memory/ring.ts";
import type { Arrival } from "./arrival.ts";
import { newBlockCounters } from "./block_counters.ts";
import { BlockIndex, NONE } from "./block_index.ts";
import { BlockReader, FUTURE } from "./block_reader.ts";
import type { ChannelEntry } from "./block_record.ts";
import { BlockRecords } from "./block_records.ts";
import { LatenessClock } from "./lateness_clock.ts";
import type { AbsentReason, MissReason } from "./miss_reason.ts";
import { UnreachableSpan } from "./unreachable_span.ts";

export interface PartitionOptions {
  readonly topic: string;
  readonly strideNs: bigint;
  readonly maxLatencyNs: bigint;
  readonly ring: Ring;
  /** A block that begins later than now plus this is set aside, ms. 0: two strides. */
  readonly futureToleranceMs: number;
  /** How long rows wait for a partition that cannot be read, ms. */
  readonly outageWaitMs: number;
  /** GPS ms at which reading begins: rows wait from then on for the first fetch. @default without end */
  readonly subscribedMs?: number;
  /** How long after an outage no block becomes late, ms. */
  readonly outageGraceMs: number;
  /** False in a replay context, whose time is that of its blocks: there no block is late by the clock. */
  readonly hasClock: boolean;
  /** The log is read from this GPS ms on: no block that begins then or later was skipped. @default 0 */
  readonly coveredFromMs?: number;
}

/** The retained blocks of one partition. Block index = block time / stride, an exact number. */
export class PartitionBlocks {
  readonly topic: string;
  readonly strideNs: bigint;
  readonly strideMs: number;
  readonly maxLatencyMs: number;
  readonly futureToleranceMs: number;
  readonly ring: Ring;
  readonly counters = newBlockCounters();
  /** Highest block index stored; −1 before the first. */
  newest = -1;
  /** Blocks below this index are settled: stored, or given up. */
  settled = -1;
  /** A fetch has reached the end of the log, or the partition was given up as unreachable before one did. */
  hasCaughtUpOnce = false;
  /** Of blocks from this index on, all that the log held has been read. */
  coveredFrom: number;
  /** Null while rows wait for the partition. */
  absent: AbsentReason | null = null;
  /** Newest block before the partition last returned; −1: there was none. */
  newestBefore = -1;
  /** Knows up to what time the log has been read. */
  readonly lateness: LatenessClock;
  /** Decodes messages. Knows how far ahead the last one of the future was, and why the last bad one was refused. */
  readonly reader: BlockReader;
  readonly #records: BlockRecords;
  readonly #index: BlockIndex;
  readonly #unreachable = new UnreachableSpan();
  readonly #hasClock: boolean;
  /** GPS ms of the last settle(), if nothing has changed since: thousands of timelines settle in turn. NaN: none. */
  #settledAtMs = NaN;
  /** Index of a block that jumped back by more than the latency; a second one in a row confirms a reset. */
  #suspect = -1;
  /** Blocks may have been lost before the next one, or surely have. */
  #lost: "" | "maybe" | "gone" = "";

  constructor(options: PartitionOptions) {
    const { ring, strideNs, hasClock } = options;
    this.topic = options.topic;
    this.strideNs = strideNs;
    this.strideMs = Number(strideNs) / 1e6;
    this.maxLatencyMs = Number(options.maxLatencyNs) / 1e6;
    this.futureToleranceMs = options.futureToleranceMs || 2 * this.strideMs;
    this.ring = ring;
    this.#hasClock = hasClock;
    this.coveredFrom = Math.ceil((options.coveredFromMs ?? 0) / this.strideMs);
    this.reader = new BlockReader(this);
    this.#index = new BlockIndex(ring);
    this.lateness = new LatenessClock({
      hasClock,
      outageWaitMs: options.outageWaitMs,
      outageGraceMs: options.outageGraceMs,
      startedMs: options.subscribedMs ?? Infinity,
    });
    this.#records = new BlockRecords(ring);
  }

  /**
   * Takes one message value, and copies it. `gpsMs`: now, GPS ms; NaN where the context has no clock (replay). A block
   * is of the future when it begins later than `latestMs` plus the tolerance. Then: Timeline.advance(), after
   * Timeline.awaitSilentWith() when it has `returned`.
   */
  append(value: Uint8Array, gpsMs: number, latestMs = gpsMs): Arrival {
    this.#settledAtMs = NaN;
    const index = this.reader.indexOf(value, latestMs);
    if (index < 0) return index === FUTURE ? "future" : "bad";
    if (this.#index.locate(index) >= 0) {
      this.counters.duplicate++;
      return "duplicate";
    }
    if (this.jumpsBack(index)) return this.#appendFromBefore(index, value);
    this.#suspect = -1;
    const { newest } = this;
    if (index > newest) this.lateness.arrived(gpsMs);
    if (!this.#store(index, value)) {
      this.counters.tooLarge++;
      return "too-large";
    }
    const hasReturned = this.absent !== null && this.#returnAt(index, gpsMs);
    if (this.hasCaughtUpOnce && index < this.settled) {
      this.counters.late++;
      return "late";
    }
    if (hasReturned) this.newestBefore = newest;
    return hasReturned ? "returned" : "stored";
  }

  /** Whether a block is older than the newest one by more than the latency. */
  protected jumpsBack(index: number): boolean {
    return this.newest >= 0 &&
      (this.newest - index) * this.strideMs > this.maxLatencyMs;
  }

  /** One block that is so old is late. A second one, newer than it, shows that the publisher's time was set back. */
  #appendFromBefore(index: number, value: Uint8Array): Arrival {
    if (this.#suspect < 0 || index <= this.#suspect) {
      this.#suspect = index;
      this.counters.late++;
      return "late";
    }
    this.reset();
    this.coveredFrom = index;
    this.counters.resets++;
    return this.#store(index, value) ? "reset" : "too-large";
  }

  /** Rows wait for the partition again, unless its block is so old that the next one may be late as well. */
  #returnAt(index: number, gpsMs: number): boolean {
    const ageMs = gpsMs - (index + 1) * this.strideMs;
    if (ageMs > this.maxLatencyMs) return false;
    const settled = Math.max(this.settled, index);
    if (this.absent === "unreachable") this.#addUnreachable(settled);
    this.absent = null;
    this.settled = settled;
    return true;
  }

  /** Forgets everything that was read: the log may continue anywhere. */
  reset(): void {
    this.#settledAtMs = NaN;
    this.#index.clear();
    this.#unreachable.clear();
    this.newest = this.settled = -1;
    this.absent = null;
    this.#suspect = -1;
  }

  /** The log was created again: as {@linkcode reset}, and its end is not reached yet. */
  restart(): void {
    this.reset();
    this.coveredFrom = 0;
    this.hasCaughtUpOnce = false;
  }

  /** Blocks may be missing: all is covered again from the next one on. `isGone`: then nothing waits for them. */
  noteLost(isGone: boolean): void {
    this.#lost = isGone || this.#lost === "gone" ? "gone" : "maybe";
  }

  #store(index: number, value: Uint8Array): boolean {
    const position = this.#records.write(this.reader.layout, value);
    if (position < 0) return false;
    if (this.#lost !== "") this.#noteAfterLost(index);
    this.#index.remember(index, position);
    this.reader.aheadMs = 0;
    this.counters.blocks++;
    this.counters.bytes += value.byteLength;
    // No block before the very first one is waited for or counts as missing.
    if (this.newest < 0 && this.hasCaughtUpOnce) this.settled = index;
    if (index > this.newest) this.newest = index;
    return true;
  }

  #noteAfterLost(index: number): void {
    this.coveredFrom = Math.max(this.coveredFrom, index);
    if (this.#lost === "gone" && this.hasCaughtUpOnce) {
      this.counters.missed += Math.max(0, index - this.settled);
      this.settled = Math.max(this.settled, index);
    }
    this.#lost = "";
  }

  /** Slots of the index; the number grows with the blocks that are held. */
  get indexCapacity(): number {
    return this.#index.capacity;
  }

  /** Ring position of a block, or {@linkcode NONE}, or `NOT_HELD`. */
  locate(index: number): number {
    return this.#index.locate(index);
  }

  /** Lowest block index at or above `from` that is held, or Infinity. Linear in the index: for gaps only. */
  nextHeld(from: number): number {
    return from > this.newest ? Infinity : this.#index.nextHeld(from);
  }

  /** Byte offset in the ring of a channel's samples in a block; −1 as `recordSamplesAt`. */
  samplesAt(position: number, channel: ChannelEntry): number {
    return this.#records.samplesAt(position, channel);
  }

  /** Why a block is not here. */
  missReasonOf(index: number): MissReason {
    if (this.#unreachable.includes(index)) return "unreachable";
    return index >= this.settled && this.absent !== null ? this.absent : "late";
  }

  /** A fetch has reached the end of the log, as of GPS ms `atMs`. */
  caughtUp(atMs: number): void {
    this.#settledAtMs = NaN;
    this.lateness.caughtUp(atMs, !this.hasCaughtUpOnce);
    if (this.hasCaughtUpOnce) return;
    this.hasCaughtUpOnce = true;
    this.settled = this.newest + 1;
    if (this.#hasClock && this.newest >= 0) {
      // A block that is missing now may still come within its latency.
      const open = Math.floor((atMs - this.maxLatencyMs) / this.strideMs);
      this.settled = Math.min(Math.max(open, this.nextHeld(0)), this.settled);
      this.settle(atMs);
    }
    const ageMs = atMs - (this.newest + 1) * this.strideMs;
    if (this.newest < 0 || ageMs > this.maxLatencyMs + this.strideMs) {
      this.absent = "late";
    }
  }

  /** Moves `settled` as far as arrivals, the clock and the reader allow. Here a missing block is given up. */
  settle(gpsMs: number): void {
    if (gpsMs === this.#settledAtMs) return;
    this.#settle(gpsMs);
    this.#settledAtMs = gpsMs;
  }

  #settle(gpsMs: number): void {
    if (!this.hasCaughtUpOnce) {
      if (!this.lateness.isUnreachable(gpsMs)) return;
      this.hasCaughtUpOnce = true;
      this.settled = this.newest + 1;
      this.absent = "unreachable";
    }
    while (this.settled <= this.newest) {
      if (this.#index.locate(this.settled) !== NONE) {
        this.settled++;
      } else {
        const reason = this.absenceOf(this.settled, gpsMs);
        if (reason === null) return;
        this.#giveUpFrom(this.settled, reason, gpsMs);
      }
    }
    if (this.absent !== null) return;
    this.absent = this.absenceOf(this.settled, gpsMs);
    if (this.absent !== null) this.counters.missed++;
  }

  /** Why a missing block is no longer waited for; null while it is. */
  absenceOf(index: number, gpsMs: number): AbsentReason | null {
    const deadlineMs = (index + 1) * this.strideMs + this.maxLatencyMs;
    if (this.lateness.isLate(deadlineMs)) return "late";
    if (gpsMs < deadlineMs) return null;
    return this.lateness.isUnreachable(gpsMs) ? "unreachable" : null;
  }

  /** Gives up a missing block, and all others up to the next that is held: a publisher may have been away for hours. */
  #giveUpFrom(index: number, reason: AbsentReason, gpsMs: number): void {
    const nowMs = reason === "late" ? this.lateness.seenMs : gpsMs;
    const lastLost = Math.floor((nowMs - this.maxLatencyMs) / this.strideMs);
    const next = Math.min(this.nextHeld(index), lastLost);
    const to = Math.max(next, index + 1);
    if (reason === "unreachable") this.#addUnreachable(to);
    this.counters.missed += to - index;
    this.settled = to;
  }

  /** Notes that blocks from `settled` to `to` are missing because they could not be read. */
  #addUnreachable(to: number): void {
    this.#unreachable.add(this.settled, to, this.lateness.caughtUpMs);
  }

  /** The clock was set by some ms: times that were noted by it are moved as far. */
  shiftClock(byMs: number): void {
    this.#settledAtMs = NaN;
    const beforeMs = this.lateness.caughtUpMs;
    this.lateness.shift(byMs);
    this.#unreachable.moveOutage(beforeMs, this.lateness.caughtUpMs);
  }
}
