// Joins partitions at one row stride: decides when the next row is complete, or no longer waited for, and releases it.
// Invariant: rows are released in strictly increasing order, each once. A row is released when each of its partitions
// has settled it: the partition's blocks are stored, or given up.
import { NONE, NOT_HELD } from "./block_index.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";
import type { RowGap } from "./row_gap.ts";
import { SettledRows } from "./settled_rows.ts";
import type { TimelineListener } from "./timeline_listener.ts";

/** How long a timeline waits for partitions that have never been read to their end, ms. */
const PATIENCE_MS = 2000;

/** Whether the ring has the blocks of a row. `held`: all that came. `gone`: it reused a page. `empty`: none came. */
export type RowState = "held" | "gone" | "empty";

/** The rows of one set of partitions at one stride. */
export class Timeline {
  /** What the rows are: bins of which records; empty where they are joined blocks. */
  readonly kind: string = "";
  readonly partitions: readonly PartitionBlocks[];
  readonly strideNs: bigint;
  readonly strideMs: number;
  /** Blocks of each partition in one row. */
  readonly ratios: readonly number[];
  readonly listeners = new Set<TimelineListener>();
  /** Next row to be released; −1 until every partition has been read to its end once. */
  frontier = -1;
  /** Rows that were released short: without a block, which was late, unreachable or too large. */
  shortRows = 0;
  /** First row of the quiet span that is not reported as a gap yet; −1: there is none. */
  #quietFrom = -1;
  readonly #settled: SettledRows;
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
    this.#settled = new SettledRows(partitions, this.ratios, this.strideMs);
    this.#createdMs = gpsMs;
  }

  /**
   * Releases every row that is ready; called after each arrival and a few times a second. Then: onRow() of each
   * listener, which is LiveDelivery for clients, and TrendRecorder for trends.
   */
  advance(gpsMs: number): void {
    const { partitions } = this;
    if (this.frontier < 0) {
      // A partition that was never read to its end may be given up as unreachable, else there might never be a start.
      for (let i = 0; i < partitions.length; i++) {
        if (!partitions[i]!.hasCaughtUpOnce) partitions[i]!.settle(gpsMs);
      }
      // Before the others settle: a partition that was silent begins with the block that has just come.
      if (!this.findStart(gpsMs)) return;
    }
    for (let i = 0; i < partitions.length; i++) partitions[i]!.settle(gpsMs);
    for (;;) {
      const row = this.frontier;
      if (!this.#isReached(row) || !this.isSettled(row, gpsMs)) return;
      const state = this.stateOf(row);
      if (state === "gone") {
        // The ring was too short for the row: clients that need it find out when they catch up.
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
      if (this.isShort(row)) this.shortRows++;
      this.frontier = row + 1;
      for (const listener of this.listeners) listener.onRow(row);
    }
  }

  /** Rows below this have been released or reported as a gap. */
  get released(): number {
    return this.#quietFrom >= 0 ? this.#quietFrom : this.frontier;
  }

  /**
   * While every partition is silent, promises that no row comes before the time up to which the logs have been read: it
   * moves `frontier` there. The span is reported as a gap when a block comes again.
   */
  promiseQuiet(): void {
    if (this.frontier < 0 || this.#isReached(this.frontier)) return;
    const isSilent = this.partitions.every((p) =>
      p.absent === "late" &&
      p.lateness.isSilentFor(p.strideMs + p.maxLatencyMs)
    );
    if (!isSilent) return;
    const row = this.seenRow;
    if (row <= this.frontier) return;
    if (this.#quietFrom < 0) this.#quietFrom = this.frontier;
    this.frontier = row;
  }

  /** How far the stream has come without rows: the end of the promise; before the first row, how far was read. */
  get quietRow(): number {
    return this.frontier < 0 ? this.seenRow : this.frontier;
  }

  /** A row below this would have arrived by now, within its latency; −1 while that is not known. */
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

  /** From this row on, reading has skipped no block of any partition. */
  get coveredRow(): number {
    let row = 0;
    for (let i = 0; i < this.partitions.length; i++) {
      const { coveredFrom } = this.partitions[i]!;
      row = Math.max(row, Math.ceil(coveredFrom / this.ratios[i]!));
    }
    return row;
  }

  /** Whether the ring has all blocks of a row that the logs had. */
  isWhole(row: number): boolean {
    return row >= this.coveredRow && this.stateOf(row) !== "gone";
  }

  /** All partitions have been read, and none has a block: there is no row to begin at. */
  isIdle(gpsMs: number): boolean {
    if (this.frontier >= 0) return false;
    return !this.#isPatient(gpsMs) ||
      this.partitions.every((p) => p.hasCaughtUpOnce);
  }

  #isPatient(gpsMs: number): boolean {
    return gpsMs - this.#createdMs < PATIENCE_MS;
  }

  /** Reports the gap up to `frontier`; it includes a quiet span before it. */
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
    this.#settled.forgetReturns();
    this.#createdMs = gpsMs;
    for (const listener of this.listeners) listener.onReset();
  }

  /** The clock was set by some ms: what is left of the wait for partitions stays as long as it was. */
  shiftClock(byMs: number): void {
    this.#settled.forgetReturns();
    this.#createdMs += byMs;
  }

  /** Whether the ring has the blocks of a row. */
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

  /** The next row at or above `row` of which a block is held, or Infinity. */
  nextRow(row: number): number {
    const rows = this.partitions.map((partition, i) =>
      Math.floor(partition.nextHeld(row * this.ratios[i]!) / this.ratios[i]!)
    );
    return Math.min(...rows);
  }

  /** Exclusive end of a row, GPS ns, as text: the `id:` of its event. */
  endNsText(row: number): string {
    return String(BigInt(row + 1) * this.strideNs);
  }

  startNs(row: number): bigint {
    // One after the other, all selections of the timeline ask for the same row.
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

  /** Sets `frontier` to the first row once every partition has been read to its end; false until then. */
  findStart(gpsMs: number): boolean {
    if (this.frontier >= 0) return true;
    const patient = this.#isPatient(gpsMs);
    let present = Infinity;
    let newest = -1;
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
      newest = Math.max(newest, Math.floor(partition.newest / ratio));
    }
    if (present < Infinity) this.frontier = present;
    else if (newest >= 0) this.frontier = newest;
    else return false;
    for (const listener of this.listeners) listener.onReady();
    return true;
  }

  /** Whether a partition has a block of the row, or a newer one. */
  #isReached(row: number): boolean {
    for (let i = 0; i < this.partitions.length; i++) {
      if (this.partitions[i]!.newest >= row * this.ratios[i]!) return true;
    }
    return false;
  }

  /** Rows before this are settled by every partition that rows wait for. */
  #end(): number {
    const rows = this.partitions.map(({ absent, settled }, i) =>
      absent === null ? Math.floor(settled / this.ratios[i]!) : Infinity
    );
    return Math.min(...rows);
  }

  /** The first row of a partition that is settled up to some row, which may be a fraction. */
  protected firstRow(rows: number): number {
    return Math.ceil(rows);
  }

  /** A partition has returned: those that fell silent with it are waited for. Then: advance(). */
  awaitSilentWith(returned: PartitionBlocks, gpsMs: number): void {
    this.#settled.awaitSilentWith(returned, gpsMs);
  }

  /** Whether every partition has settled a row. */
  protected isSettled(row: number, gpsMs: number): boolean {
    return this.#settled.includes(row, gpsMs);
  }

  /** Whether a row waits for a partition though it is absent. */
  protected isAwaited(i: number, row: number, gpsMs: number): boolean {
    return this.#settled.isAwaited(i, row, gpsMs);
  }

  /** Whether all blocks of the row are held: then nothing can change the row. */
  isFull(row: number): boolean {
    return !this.isShort(row);
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
