// Copies a column's samples of a row out of the page ring.
// Invariant: a position of the ring is never used for another block, so what was found at it stays true.
import type { Column } from "./row_plan.ts";

/** Reads one column; shared by the selections that have it. */
export class ColumnSamples {
  readonly column: Column;
  /** By block of the row that was copied last: 1 where it has samples, else 0. */
  readonly present: Uint8Array;
  /** The block that was read last, and its samples: thousands of selections ask for the same one in turn. */
  #lastPosition = -1;
  #lastSamples: Uint8Array | null = null;

  constructor(column: Column) {
    this.column = column;
    this.present = new Uint8Array(column.ratio);
  }

  /**
   * Copies the samples of a row to `target`, from byte offset `at` on, and sets `present`. Returns how many blocks
   * have samples; `target` is not written to where a block has none.
   */
  copy(row: number, target: Uint8Array, at: number): number {
    const { present } = this;
    const { partition, ratio, blockBytes } = this.column;
    let count = 0;
    for (let k = 0; k < ratio; k++) {
      const position = partition.locate(row * ratio + k);
      const samples = position < 0 ? null : this.#samplesAt(position);
      present[k] = samples === null ? 0 : 1;
      if (samples === null) continue;
      target.set(samples, at + k * blockBytes);
      count++;
    }
    return count;
  }

  #samplesAt(position: number): Uint8Array | null {
    if (this.#lastPosition === position) return this.#lastSamples;
    const { partition, entry, blockBytes } = this.column;
    const from = partition.samplesAt(position, entry);
    this.#lastPosition = position;
    this.#lastSamples = from < 0
      ? null
      : partition.ring.bytes.subarray(from, from + blockBytes);
    return this.#lastSamples;
  }
}
