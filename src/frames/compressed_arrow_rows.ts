// Arrow rows whose samples are compressed in their buffers (zstd or lz4), where that pays.
// Invariant: a reader that knows the codec gets the plain rows' values, bit for bit; no frame is longer than the plain one.
import type { BatchTemplates } from "../arrow/row_template.ts";
import { type Codec, CompressedBatch } from "../arrow/compressed_batch.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import { ArrowRows, type RowEncoder } from "./row_messages.ts";
import type { TextScratch } from "./json_row_texts.ts";
import { ENVELOPE_HEAD_BYTES, Frame, type PlainText } from "./frame.ts";
import type { Column } from "./row_plan.ts";
import { packOf, type SamplePack } from "./sample_pack.ts";

export interface CompressedArrowRowsOptions {
  readonly codec: Codec;
  readonly slab: Slab;
  readonly scratch: TextScratch;
  /** Templates to share with other selections. */
  readonly batches?: BatchTemplates;
}

/** Record batch messages of one selection; those that gain by it have BodyCompression. */
export class CompressedArrowRows implements RowEncoder {
  readonly arrow: ArrowRows;
  readonly #batch: CompressedBatch;
  readonly #plain: PlainText;
  readonly #packs: readonly SamplePack[];
  readonly #packed: (Uint8Array | null)[];
  readonly #columns: readonly Column[];
  readonly #slab: Slab;
  readonly #scratch: TextScratch;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    { codec, slab, scratch, batches }: CompressedArrowRowsOptions,
  ) {
    this.arrow = new ArrowRows(timeline, columns, slab, batches);
    this.#batch = new CompressedBatch(this.arrow.template, codec);
    this.#plain = { bytes: this.arrow.template.byteLength, crc: 0, shift: 0 };
    this.#packs = columns.map((column) => packOf(column, codec));
    this.#packed = columns.map(() => null);
    this.#columns = columns;
    this.#slab = slab;
    this.#scratch = scratch;
  }

  get frameBytes(): number {
    return this.arrow.frameBytes;
  }

  get frameBytesMax(): number {
    return this.arrow.frameBytesMax;
  }

  encode(row: number, isFill = false): Frame | null {
    const { template } = this.arrow;
    const plainBytes = template.byteLength;
    const plain = this.#scratch.sampleRoom(plainBytes);
    this.arrow.fill(row, plain, 0, isFill);
    const packed = this.#packed;
    for (let i = 0; i < packed.length; i++) {
      const { blockBytes, ratio } = this.#columns[i]!;
      const at = template.valuesByteOffset(i);
      const samples = plain.subarray(at, at + blockBytes * ratio);
      packed[i] = this.#packs[i]!.of(row, samples, isFill);
    }
    const bytes = Math.min(this.#batch.bytesWith(packed), plainBytes);
    const frame = Frame.claim(this.#slab, bytes);
    if (frame === null) return null;
    if (bytes < plainBytes) {
      this.#batch.write(
        frame.chunk.subarray(ENVELOPE_HEAD_BYTES),
        plain,
        packed,
      );
    } else {
      frame.chunk.set(plain.subarray(0, plainBytes), ENVELOPE_HEAD_BYTES);
    }
    frame.plain = this.#plain;
    return frame;
  }
}
