// Decides whether a row is settled: each partition of its timeline has stored its blocks, or has given them up. Rows do
// not wait for an absent partition, except after one that fell silent at the same time has returned.
// Invariant: then a row waits until the deadline of its own blocks, and of the block of the return, and not longer.
import { NONE } from "./block_index.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";

/** What the partitions of one timeline have settled. */
export class SettledRows {
  readonly #partitions: readonly PartitionBlocks[];
  readonly #ratios: readonly number[];
  readonly #strideMs: number;
  /** Index of the partition that the next row was found to wait for; it is asked first. */
  #waitsFor = 0;
  /** By partition: the first row that waits for it while it is absent. */
  readonly #awaitedFrom: number[];
  /** By partition: the last block for which rows wait while it is absent; −1: none. */
  readonly #awaitedTo: number[];

  /** `ratios`: blocks of each partition in one row, which lasts `strideMs`. */
  constructor(
    partitions: readonly PartitionBlocks[],
    ratios: readonly number[],
    strideMs: number,
  ) {
    this.#partitions = partitions;
    this.#ratios = ratios;
    this.#strideMs = strideMs;
    this.#awaitedFrom = partitions.map(() => 0);
    this.#awaitedTo = partitions.map(() => -1);
  }

  /** Whether every partition has settled a row. */
  includes(row: number, gpsMs: number): boolean {
    if (!this.#isSettledBy(this.#waitsFor, row, gpsMs)) return false;
    for (let i = 0; i < this.#partitions.length; i++) {
      if (this.#isSettledBy(i, row, gpsMs)) continue;
      this.#waitsFor = i;
      return false;
    }
    return true;
  }

  #isSettledBy(i: number, row: number, gpsMs: number): boolean {
    const partition = this.#partitions[i]!;
    if (!partition.hasCaughtUpOnce) return false;
    if (partition.absent !== null) return !this.isAwaited(i, row, gpsMs);
    // A block may be here and not settled, if one before it is missing whose row was already released.
    const end = (row + 1) * this.#ratios[i]!;
    let index = Math.max(partition.settled, row * this.#ratios[i]!);
    while (index < end && partition.locate(index) !== NONE) index++;
    return index >= end;
  }

  /**
   * A partition has just returned with its newest block. A publisher that is back writes to all of its partitions: rows
   * wait for those that fell silent at the same time.
   */
  awaitSilentWith(returned: PartitionBlocks, gpsMs: number): void {
    const partitions = this.#partitions;
    const ratio = this.#ratios[partitions.indexOf(returned)]!;
    const row = Math.floor(returned.newest / ratio);
    const silentMs = (returned.newestBefore + 1) * returned.strideMs;
    for (let i = 0; i < partitions.length; i++) {
      const { absent, newest, strideMs, maxLatencyMs } = partitions[i]!;
      if (absent === null) continue;
      const apartMs = Math.abs((newest + 1) * strideMs - silentMs);
      const latencyMs = Math.max(maxLatencyMs, returned.maxLatencyMs);
      if (apartMs > latencyMs + this.#strideMs) continue;
      // Rows may wait for it already, as a third one has returned before.
      const from = this.#mayCome(i, this.#awaitedTo[i]!, gpsMs)
        ? this.#awaitedFrom[i]!
        : row;
      this.#awaitedFrom[i] = Math.min(from, row);
      // Its block in which that of the return ends.
      const blocks = (returned.newest + 1) * this.#ratios[i]! / ratio;
      const to = Math.ceil(blocks) - 1;
      this.#awaitedTo[i] = Math.max(this.#awaitedTo[i]!, to);
    }
  }

  /** Whether a row waits for a partition though it is absent: a block of it is missing that may come in its time. */
  isAwaited(i: number, row: number, gpsMs: number): boolean {
    const to = this.#awaitedTo[i]!;
    if (to < 0 || row < this.#awaitedFrom[i]!) return false;
    const first = row * this.#ratios[i]!;
    let missing = first + this.#ratios[i]! - 1;
    if (!this.#mayCome(i, Math.min(to, missing), gpsMs)) return false;
    const partition = this.#partitions[i]!;
    while (missing >= first && partition.locate(missing) !== NONE) missing--;
    return missing >= first && this.#mayCome(i, Math.min(to, missing), gpsMs);
  }

  #mayCome(i: number, index: number, gpsMs: number): boolean {
    return this.#partitions[i]!.absenceOf(index, gpsMs) === null;
  }

  /** Waits for no absent partition: time jumped back, or the clock was set, so that the deadlines are not valid. */
  forgetReturns(): void {
    this.#awaitedTo.fill(-1);
  }
}
