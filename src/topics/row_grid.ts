// Finds the blocks in a message's rows: those rows whose times are in the grid of the mapping.
// Invariant: a block is whole: as many rows in a row as the mapping says, each at its time; no row is in two blocks.
import { gpsNsOfUnixNs } from "../blocks/gps_time.ts";
import type { Batch } from "./wide_message.ts";
import { TIME_UNITS_NS, type TopicMapping } from "./topic_mapping.ts";

/** Rows of one message at which no block begins, although one was looked for. More are skipped without a look. */
const MISSES_MAX = 4096;
const NOT_ALIGNED = -1n;
const WORD = 2 ** 32;
/** No time beyond it fits into a block, the year 2126. */
const TIME_MAX_NS = 2n ** 62n;

export class RowGrid {
  /** Blocks of the message that was read last. */
  blockCount = 0;
  /** By block: its first row, counted over all batches. */
  rows = new Int32Array(16);
  /** By block: GPS ns of its start. */
  timesNs = new BigInt64Array(16);
  readonly #mapping: TopicMapping;
  readonly #unitNs: number;
  readonly #periodNs: number;
  /** The two as bigint, which each block needs. */
  readonly #unit: bigint;
  readonly #tolerance: bigint;
  /** Times of the rows, as the column has them. */
  #times = new BigInt64Array(16);
  #words = new Int32Array(this.#times.buffer);
  #bytes = new Uint8Array(this.#times.buffer);

  constructor(mapping: TopicMapping) {
    this.#mapping = mapping;
    this.#unitNs = TIME_UNITS_NS[mapping.unit];
    this.#periodNs = 1e9 / mapping.rowRate;
    this.#unit = BigInt(this.#unitNs);
    this.#tolerance = BigInt(Math.floor(mapping.toleranceNs));
  }

  /** Takes the batches of a message; the number of rows that are in no block. */
  take(batches: readonly Batch[], rowCount: number): number {
    const { blockRows } = this.#mapping;
    this.#copyTimes(batches, rowCount);
    const blocksMax = Math.floor(rowCount / blockRows);
    if (blocksMax > this.rows.length) {
      this.rows = new Int32Array(blocksMax);
      this.timesNs = new BigInt64Array(blocksMax);
    }
    this.blockCount = 0;
    let misses = 0;
    let row = 0;
    while (row + blockRows <= rowCount && misses < MISSES_MAX) {
      const timeNs = this.#blockTime(row);
      if (timeNs !== NOT_ALIGNED && this.#isRegular(row)) {
        this.rows[this.blockCount] = row;
        this.timesNs[this.blockCount++] = timeNs;
        row += blockRows;
      } else {
        misses++;
        row = this.#nextStart(row, rowCount);
      }
    }
    return rowCount - this.blockCount * blockRows;
  }

  #copyTimes(batches: readonly Batch[], rowCount: number): void {
    if (rowCount > this.#times.length) {
      this.#times = new BigInt64Array(rowCount);
      this.#words = new Int32Array(this.#times.buffer);
      this.#bytes = new Uint8Array(this.#times.buffer);
    }
    let to = 0;
    for (const { bytes, view, at, plan } of batches) {
      const length = 8 * plan.rowCount;
      const timeAt = at + plan.timeAt;
      if (plan.rowCount === 1) {
        this.#words[to / 4] = view.getInt32(timeAt, true);
        this.#words[to / 4 + 1] = view.getInt32(timeAt + 4, true);
      } else this.#bytes.set(bytes.subarray(timeAt, timeAt + length), to);
      to += length;
    }
  }

  #gpsNs(row: number): bigint {
    const time = this.#times[row]!;
    const ns = this.#unitNs === 1 ? time : time * this.#unit;
    return this.#mapping.epoch === "unix" ? gpsNsOfUnixNs(ns) : ns;
  }

  /** The start of the block that begins at a row; {@linkcode NOT_ALIGNED} where none does. */
  #blockTime(row: number): bigint {
    const { strideNs } = this.#mapping;
    const ns = this.#gpsNs(row);
    if (ns < 0n || ns > TIME_MAX_NS) return NOT_ALIGNED;
    const offNs = ns % strideNs;
    if (offNs === 0n) return ns;
    // The tolerance is below half a row, so at most one of the two is within it.
    if (offNs <= this.#tolerance) return ns - offNs;
    const restNs = strideNs - offNs;
    return restNs <= this.#tolerance ? ns + restNs : NOT_ALIGNED;
  }

  /** Whether the rows of the block that begins at a row are at their times. */
  #isRegular(row: number): boolean {
    const { blockRows, toleranceNs } = this.#mapping;
    for (let i = 1; i < blockRows; i++) {
      const offNs = this.#sinceNs(row, row + i) - i * this.#periodNs;
      if (!(Math.abs(offNs) <= toleranceNs)) return false;
    }
    return true;
  }

  /** Time between two rows, ns. */
  #sinceNs(first: number, second: number): number {
    const words = this.#words;
    const low = (words[2 * second]! >>> 0) - (words[2 * first]! >>> 0);
    const high = words[2 * second + 1]! - words[2 * first + 1]!;
    return (high * WORD + low) * this.#unitNs;
  }

  /** The next row to look at: where the next block begins if the rows between are regular, else the next one. */
  #nextStart(row: number, rowCount: number): number {
    const { strideNs } = this.#mapping;
    const ns = this.#gpsNs(row);
    const intoNs = Number(((ns % strideNs) + strideNs) % strideNs);
    const ahead = Math.round((Number(strideNs) - intoNs) / this.#periodNs);
    const next = row + Math.max(1, ahead);
    if (next < rowCount && this.#blockTime(next) !== NOT_ALIGNED) {
      const offNs = this.#sinceNs(row, next) - ahead * this.#periodNs;
      if (Math.abs(offNs) < this.#periodNs) return next;
    }
    return row + 1;
  }
}
