// Rows as Arrow record batch messages: one copy of the template, then one copy per channel out of the page ring.
// Invariant: the rows of a selection have one length, whatever is missing in them.
import { type BatchLayout, RowTemplate } from "../arrow/row_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { ColumnSamples } from "./column_samples.ts";
import type { EncodingContext } from "./encoding_context.ts";
import type { MessageSource } from "./message_source.ts";
import type { Column } from "./row_plan.ts";

/** The record batches of one selection: one row, a `list<T>` per channel. */
export class RowMessages implements MessageSource {
  readonly template: RowTemplate;
  readonly isFixedLength = true;
  readonly messageBytes: number;
  readonly #timeline: Timeline;
  readonly #samples: readonly ColumnSamples[];

  /** `columns` sorted by name. */
  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    { templates, caches, notes }: EncodingContext,
    layout: BatchLayout = "plain",
  ) {
    this.template = new RowTemplate(
      columns.map(({ field }) => field),
      templates,
      layout,
      notes.forChannels(columns.map(({ channel }) => channel)),
    );
    this.messageBytes = this.template.byteLength;
    this.#timeline = timeline;
    this.#samples = columns.map((column) => caches.samplesOf(column));
  }

  get messageBytesMax(): number {
    return this.messageBytes;
  }

  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number {
    const { template } = this;
    template.begin(target, at, this.#timeline.startNs(row));
    const end = at + this.messageBytes;
    if (isFill) return end;
    for (let i = 0; i < this.#samples.length; i++) {
      const samples = this.#samples[i]!;
      const valuesAt = at + template.valuesByteOffset(i);
      if (samples.copy(row, target, valuesAt) === 0) continue;
      template.setPresent(target, at, i);
      if (template.hasNullableSamples(i)) {
        template.setPartsPresent(target, at, i, samples.present);
      }
    }
    return end;
  }
}
