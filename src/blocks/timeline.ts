// Joins partitions at one row stride: decides which row may go out next.
// Invariant: rows are released in strictly increasing order, each once; a row leaves when its last partition is settled.
import { NONE, NOT_HELD } from "./block_index.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";
import type { RowGap } from "./row_gap.ts";

/** Takes what a timeline releases, in order. */
export interface TimelineListener {
  onRow(row: number): void;
  onGap(gap: RowGap): void;
  /** Time jumped back or the log was created again: earlier reports are no longer valid. */
  onReset(): void;
  /** The timeline has found its place; `frontier` is set. */
  onReady(): void;
}

/** So long a timeline waits for partitions that have not been read to their end once, ms. */
const PATIENCE_MS = 2000;

/** What a row looks like from the ring. */
export type RowState = "held" | "gone" | "empty";

/** The rows of one set of partitions at one stride. */
export class Timeline {
  /** What the rows are, where they are not a partition's blocks joined. */
  readonly kind: string = "";
  readonly partitions: readonly PartitionBlocks[];
  readonly strideNs: bigint;
  readonly strideMs: number;
  /** Blocks of each partition in one row. */
  readonly ratios: readonly number[];
  readonly listeners = new Set<TimelineListener>();
  /** Next row to be released; −1 until every partition has been read to its end once. */
  frontier = -1;
  /** Rows released without one of their partitions. */
  lateRows = 0;
  /** The first row that is certain not to come and is not reported as a gap yet; −1: none. */
  #quietFrom = -1;
  #createdMs: number;
  #startRow = 0;
  #startNs = 0n;

  constructor(
    partitions: readonly PartitionBlocks[],
    strideNs: bigint,
    gpsMs: number,
  ) {
    this.partitions = partitions;
    this.strideNs = strideNs;
    this.strideMs = Number(strideNs) / 1e6;
    this.ratios = partitions.map((p) => Number(strideNs / p.strideNs));
    this.#createdMs = gpsMs;
  }

  /** Releases every row that is ready. Called after each arrival and on a slow tick. */
  advance(gpsMs: number): void {
    const partitions = this.partitions;
    // One that cannot be read at all is given up like any other, or there would never be a place.
    for (let i = 0; i < partitions.length; i++) {
      if (!partitions[i]!.hasCaughtUpOnce) partitions[i]!.settle(gpsMs);
    }
    // Before settling: a partition that was silent begins with the block that has just come.
    if (!this.findStart(gpsMs)) return;
    for (let i = 0; i < partitions.length; i++) partitions[i]!.settle(gpsMs);
    for (;;) {
      const row = this.frontier;
      if (row > this.#newestRow() || !this.isSettled(row, gpsMs)) return;
      const state = this.stateOf(row);
      if (state === "gone") {
        // The ring was too short for it: a client that needs it notices when it catches up.
        this.frontier = row + 1;
        continue;
      }
      if (state === "empty") {
        this.frontier = Math.max(
          row + 1,
          Math.min(this.nextRow(row), this.#end()),
        );
        this.#reportGap(row);
        continue;
      }
      if (this.#quietFrom >= 0) this.#reportGap(row);
      if (this.isShort(row)) this.lateRows++;
      this.frontier = row + 1;
      for (const listener of this.listeners) listener.onRow(row);
    }
  }

  /** Rows below this have been released or reported as a gap. */
  get released(): number {
    return this.#quietFrom >= 0 ? this.#quietFrom : this.frontier;
  }

  /**
   * While every partition is silent, settles the time that the readers have certainly seen: no block before it will
   * come. The span is reported as a gap when the next block arrives. `frontier` is the end of the settled time.
   */
  promiseQuiet(): void {
    if (this.frontier < 0 || this.frontier <= this.#newestRow()) return;
    if (!this.partitions.every((p) => p.absent === "late")) return;
    const row = this.seenRow;
    if (row <= this.frontier) return;
    if (this.#quietFrom < 0) this.#quietFrom = this.frontier;
    this.frontier = row;
  }

  /** Where the stream stands though it says nothing: the promise, or, before any row, what has been seen. */
  get quietRow(): number {
    return this.frontier < 0 ? this.seenRow : this.frontier;
  }

  /** Rows below this would have come, within their latency, and been read; −1 where no clock can say. */
  get seenRow(): number {
    let row = Infinity;
    for (let i = 0; i < this.partitions.length; i++) {
      const partition = this.partitions[i]!;
      if (!partition.hasCaughtUpOnce) return -1;
      const { lateness: { seenMs }, maxLatencyMs } = partition;
      row = Math.min(row, (seenMs - maxLatencyMs) / this.strideMs);
    }
    return Math.max(-1, Math.floor(row));
  }

  /** The first row for which the partitions have skipped no message since reading began. */
  get coveredRow(): number {
    let row = 0;
    for (let i = 0; i < this.partitions.length; i++) {
      const { coveredFrom } = this.partitions[i]!;
      row = Math.max(row, Math.ceil(coveredFrom / this.ratios[i]!));
    }
    return row;
  }

  /** Whether the ring has all that came for a row, and all that the log had was read into it. */
  isWhole(row: number): boolean {
    return row >= this.coveredRow && this.stateOf(row) !== "gone";
  }

  /** Every partition has been looked at and none has anything: no row says where the stream stands. */
  isIdle(gpsMs: number): boolean {
    if (this.frontier >= 0) return false;
    return !this.#isPatient(gpsMs) ||
      this.partitions.every((p) => p.hasCaughtUpOnce);
  }

  #isPatient(gpsMs: number): boolean {
    return gpsMs - this.#createdMs < PATIENCE_MS;
  }

  /** Reports the gap up to `frontier`, including the time that was settled before. */
  #reportGap(row: number): void {
    const from = this.#quietFrom >= 0 ? this.#quietFrom : row;
    this.#quietFrom = -1;
    const gap: RowGap = { from, to: this.frontier, reason: "missing" };
    for (const listener of this.listeners) listener.onGap(gap);
  }

  /** Starts over after a reset of one of its partitions. */
  reset(gpsMs: number): void {
    this.frontier = -1;
    this.#quietFrom = -1;
    this.#createdMs = gpsMs;
    for (const listener of this.listeners) listener.onReset();
  }

  /** The clock was set by this many ms: the remaining wait is unchanged. */
  shiftClock(byMs: number): void {
    this.#createdMs += byMs;
  }

  /** Whether the ring still has all that came for a row. */
  stateOf(row: number): RowState {
    let held = false;
    for (let i = 0; i < this.partitions.length; i++) {
      const partition = this.partitions[i]!;
      const ratio = this.ratios[i]!;
      for (let k = 0; k < ratio; k++) {
        const position = partition.locate(row * ratio + k);
        if (position === NOT_HELD) return "gone";
        if (position !== NONE) held = true;
      }
    }
    return held ? "held" : "empty";
  }

  /** The next row at or above `row` for which something is held, or Infinity. */
  nextRow(row: number): number {
    let next = Infinity;
    for (let i = 0; i < this.partitions.length; i++) {
      const ratio = this.ratios[i]!;
      const index = this.partitions[i]!.nextHeld(row * ratio);
      next = Math.min(next, Math.floor(index / ratio));
    }
    return next;
  }

  /** Exclusive end of a row, GPS ns, as text: the `id:` of its event. */
  endNsText(row: number): string {
    return String(BigInt(row + 1) * this.strideNs);
  }

  startNs(row: number): bigint {
    // Asked for the same row by each selection in turn.
    if (row !== this.#startRow) {
      this.#startRow = row;
      this.#startNs = BigInt(row) * this.strideNs;
    }
    return this.#startNs;
  }

  /** The row that a time lies in. */
  rowOf(timeNs: bigint): number {
    return Number(timeNs / this.strideNs);
  }

  /** First row that begins at or after a time. */
  rowAt(timeNs: bigint): number {
    return Number((timeNs + this.strideNs - 1n) / this.strideNs);
  }

  /** Sets `frontier` once every partition has been read to its end; false until then. */
  findStart(gpsMs: number): boolean {
    if (this.frontier >= 0) return true;
    const patient = this.#isPatient(gpsMs);
    let present = Infinity;
    let past = -1;
    for (let i = 0; i < this.partitions.length; i++) {
      const partition = this.partitions[i]!;
      if (!partition.hasCaughtUpOnce) {
        if (patient) return false;
        continue;
      }
      const ratio = this.ratios[i]!;
      if (partition.absent === null) {
        present = Math.min(present, this.firstRow(partition.settled / ratio));
      }
      past = Math.max(past, Math.floor(partition.newest / ratio));
    }
    if (present < Infinity) this.frontier = present;
    else if (past >= 0) this.frontier = past;
    else return false;
    for (const listener of this.listeners) listener.onReady();
    return true;
  }

  #newestRow(): number {
    let newest = -1;
    for (let i = 0; i < this.partitions.length; i++) {
      newest = Math.max(
        newest,
        Math.floor(this.partitions[i]!.newest / this.ratios[i]!),
      );
    }
    return newest;
  }

  /** Rows before this are settled by every partition that holds rows back. */
  #end(): number {
    let end = Infinity;
    for (let i = 0; i < this.partitions.length; i++) {
      const partition = this.partitions[i]!;
      if (partition.absent !== null) continue;
      end = Math.min(end, Math.floor(partition.settled / this.ratios[i]!));
    }
    return end;
  }

  /** Where a timeline begins in a partition that is settled up to there. */
  protected firstRow(rows: number): number {
    return Math.ceil(rows);
  }

  /** Whether every partition has said what it has of a row. */
  protected isSettled(row: number, _gpsMs: number): boolean {
    for (let i = 0; i < this.partitions.length; i++) {
      const partition = this.partitions[i]!;
      if (!partition.hasCaughtUpOnce) return false;
      if (partition.absent !== null) continue;
      // A block that is here needs no settling: a hole before it may belong to a row that is out.
      const end = (row + 1) * this.ratios[i]!;
      let index = Math.max(partition.settled, row * this.ratios[i]!);
      while (index < end && partition.locate(index) !== NONE) index++;
      if (index < end) return false;
    }
    return true;
  }

  /** Whether a block of the row is not held. */
  isShort(row: number): boolean {
    for (let i = 0; i < this.partitions.length; i++) {
      const ratio = this.ratios[i]!;
      for (let k = 0; k < ratio; k++) {
        if (this.partitions[i]!.locate(row * ratio + k) < 0) return true;
      }
    }
    return false;
  }
}
