// Rows as Arrow record batches: one copy of the selection's template, one copy per channel out of the page ring.
// Invariant: a row has the same byte length whatever is missing, so a selection's frames have one size.
import { BatchTemplates, RowTemplate } from "../arrow/row_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import type { Column } from "./row_plan.ts";

/** Makes the bytes of rows, each once. */
export interface RowEncoder {
  /**
   * The frame of a row, or null when the slab is full. The caller owns it. `isFill`: the row was told as missing,
   * so that every channel of it is null, whatever came later.
   */
  encode(row: number, isFill?: boolean): Frame | null;
  /** Expected bytes of a frame, and the most that it can have. */
  readonly frameBytes: number;
  readonly frameBytesMax: number;
}

/** Record batch messages of one selection. */
export class ArrowRows implements RowEncoder {
  readonly template: RowTemplate;
  readonly #timeline: Timeline;
  readonly #columns: readonly Column[];
  readonly #slab: Slab;

  /** `batches`: templates to share with other selections. */
  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    slab: Slab,
    batches: BatchTemplates = new BatchTemplates(),
  ) {
    this.#timeline = timeline;
    this.#columns = columns;
    this.#slab = slab;
    this.template = new RowTemplate(
      columns.map(({ field }) => field),
      batches,
    );
  }

  get frameBytes(): number {
    return this.template.byteLength;
  }

  get frameBytesMax(): number {
    return this.template.byteLength;
  }

  encode(row: number, isFill = false): Frame | null {
    const frame = Frame.claim(this.#slab, this.template.byteLength);
    if (frame) this.fill(row, frame.chunk, ENVELOPE_HEAD_BYTES, isFill);
    return frame;
  }

  /** Writes the message of a row into `target` at `at`; `template.byteLength` bytes. */
  fill(row: number, target: Uint8Array, at: number, isFill: boolean): void {
    const { template } = this;
    template.begin(target, at, this.#timeline.startNs(row));
    if (isFill) return;
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i]!;
      const valuesAt = at + template.valuesByteOffset(i);
      if (copySamples(column, row, target, valuesAt) === 0) continue;
      template.setPresent(target, at, i);
      if (column.ratio > 1) {
        template.setPartsPresent(target, at, i, column.present);
      }
    }
  }
}

/**
 * Copies a channel's samples of a row, and notes in `present` which of its blocks have them. How many do;
 * what the others' samples are in `target` is not touched.
 */
export function copySamples(
  column: Column,
  row: number,
  target: Uint8Array,
  at: number,
): number {
  const { partition, ratio, blockBytes, present } = column;
  let count = 0;
  for (let k = 0; k < ratio; k++) {
    const position = partition.locate(row * ratio + k);
    const samples = position < 0 ? null : samplesOf(column, position);
    present[k] = samples === null ? 0 : 1;
    if (samples === null) continue;
    target.set(samples, at + k * blockBytes);
    count++;
  }
  return count;
}

/** A block's samples in the ring; thousands of selections of one row ask for the same ones in turn. */
function samplesOf(column: Column, position: number): Uint8Array | null {
  if (column.seenPosition === position) return column.seen;
  const { partition, place, blockBytes } = column;
  const from = partition.samplesAt(position, place);
  column.seenPosition = position;
  column.seen = from < 0
    ? null
    : partition.ring.bytes.subarray(from, from + blockBytes);
  return column.seen;
}
