// Rows as Arrow record batches: one copy of the selection's template, one copy per channel out of the page ring.
// Invariant: a row has the same byte length whatever is missing, so a selection's frames have one size.
import { RowTemplate } from "../arrow/row_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import { ENVELOPE_HEAD_BYTES, Frame } from "./frame.ts";
import type { Column } from "./row_plan.ts";

/** Makes the bytes of rows, each once. */
export interface RowEncoder {
  /** The frame of a row, or null when the slab is full. The caller owns it. */
  encode(row: number): Frame | null;
  /** Expected bytes of a frame. */
  readonly frameBytes: number;
}

/** Record batch messages of one selection. */
export class ArrowRows implements RowEncoder {
  readonly template: RowTemplate;
  readonly #timeline: Timeline;
  readonly #columns: readonly Column[];
  readonly #valuesAt: Int32Array;
  readonly #slab: Slab;

  constructor(timeline: Timeline, columns: readonly Column[], slab: Slab) {
    this.#timeline = timeline;
    this.#columns = columns;
    this.#slab = slab;
    this.template = new RowTemplate(
      columns.map((column) => ({
        name: column.channel.name,
        dataType: column.channel.dataType,
        rate: rateText(column.channel.sampleRate),
        samples: column.rowSamples,
      })),
    );
    this.#valuesAt = Int32Array.from(
      columns,
      (_, i) => this.template.valuesByteOffset(i),
    );
  }

  get frameBytes(): number {
    return this.template.byteLength;
  }

  encode(row: number): Frame | null {
    const frame = Frame.claim(this.#slab, this.template.byteLength);
    if (frame) this.fill(row, frame.chunk, ENVELOPE_HEAD_BYTES);
    return frame;
  }

  /** Writes the message of a row into `target` at `at`; `template.byteLength` bytes. */
  fill(row: number, target: Uint8Array, at: number): void {
    const { template } = this;
    template.begin(target, at, this.#timeline.startNs(row));
    for (let i = 0; i < this.#columns.length; i++) {
      if (
        copySamples(this.#columns[i]!, row, target, at + this.#valuesAt[i]!)
      ) {
        template.setPresent(target, at, i);
      }
    }
  }
}

/** Copies a channel's samples of a row; false when any of its blocks lacks them. */
export function copySamples(
  column: Column,
  row: number,
  target: Uint8Array,
  at: number,
): boolean {
  const { partition, place, ratio, blockBytes } = column;
  const ring = partition.ring.bytes;
  for (let k = 0; k < ratio; k++) {
    const position = partition.locate(row * ratio + k);
    if (position < 0) return false;
    const from = partition.samplesAt(position, place);
    if (from < 0) return false;
    target.set(ring.subarray(from, from + blockBytes), at + k * blockBytes);
  }
  return true;
}

/** The `rate` of a field's metadata: as Python's str() writes the float. */
export function rateText(sampleRate: number): string {
  return String(sampleRate);
}
