// Arrow rows whose samples are compressed (zstd or lz4) in their buffers, where that makes them shorter.
// Invariant: a reader that knows the codec gets exactly the plain row's values, and no frame is longer than a plain one.
import { type Codec, CompressedBatch } from "../arrow/compressed_batch.ts";
import type { RowTemplate } from "../arrow/row_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import type { EncodingContext } from "./encoding_context.ts";
import { ENVELOPE_HEAD_BYTES, Frame, type PlainBody } from "./frame.ts";
import type { RowEncoder } from "./row_encoder.ts";
import { RowMessages } from "./row_messages.ts";
import type { Column } from "./row_plan.ts";
import type { SamplePack } from "./sample_pack.ts";
import type { Scratch } from "./scratch.ts";

/** The record batches of one selection; those that become shorter have BodyCompression. */
export class CompressedArrowRows implements RowEncoder {
  readonly template: RowTemplate;
  readonly frameBytes: number;
  readonly #messages: RowMessages;
  readonly #batch: CompressedBatch;
  readonly #plain: PlainBody;
  readonly #packs: readonly SamplePack[];
  /** Packed samples of the row in the making, by column. */
  readonly #packed: (Uint8Array | null)[];
  readonly #columns: readonly Column[];
  readonly #slab: Slab;
  readonly #scratch: Scratch;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    { context, codec }: {
      readonly context: EncodingContext;
      readonly codec: Codec;
    },
  ) {
    const messages = new RowMessages(timeline, columns, context);
    this.#messages = messages;
    this.template = messages.template;
    this.frameBytes = messages.messageBytes;
    this.#batch = new CompressedBatch(this.template, codec);
    this.#plain = { bytes: messages.messageBytes, crc: 0, shift: 0 };
    this.#packs = columns.map((c) => context.caches.packOf(c, codec));
    this.#packed = columns.map(() => null);
    this.#columns = columns;
    this.#slab = context.slab;
    this.#scratch = context.scratch;
  }

  get frameBytesMax(): number {
    return this.frameBytes;
  }

  encode(row: number, isFill = false): Frame | null {
    const { template } = this;
    const plainBytes = this.frameBytes;
    const plain = this.#scratch.message(plainBytes);
    this.#messages.fill(row, plain, 0, isFill);
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
