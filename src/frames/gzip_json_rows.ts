// JSON events packed with gzip: each channel's text is deflated once per row for all selections that have the channel,
// and the text between channels is stored. Invariant: inflated, a frame is the plain frame, byte for byte.
import type { Timeline } from "../blocks/timeline.ts";
import type { Slab } from "../memory/slab.ts";
import type { ChannelText } from "./channel_text.ts";
import type { DeflatedText } from "./deflated_text.ts";
import type { EncodingContext } from "./encoding_context.ts";
import type { Frame } from "./frame.ts";
import { STORED_TEXT_BYTES_MAX } from "./gzip.ts";
import type { GzipBody } from "./gzip_body.ts";
import {
  jsonRowBytes,
  jsonRowBytesMaxOf,
  rowTail,
  writeRowHead,
} from "./json_row_texts.ts";
import type { RowEncoder } from "./row_encoder.ts";
import type { Column } from "./row_plan.ts";
import { HEAD_BYTES } from "./row_size.ts";
import type { Scratch } from "./scratch.ts";

/** A shorter text of a channel is stored: deflate costs 15 µs a call, and saves little there. */
const DEFLATE_BYTES_MIN = 128;
/** A row that is expected to be shorter is served plain. */
export const GZIP_ROW_BYTES_MIN = 512;
/** Most bytes that deflating or storing adds to a text. */
const PIECE_BYTES_MAX = 32;
const COMMA = 44;

/** The gzip'ed events of one selection. */
export class GzipJsonRows implements RowEncoder {
  readonly template = null;
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  readonly #timeline: Timeline;
  readonly #texts: readonly ChannelText[];
  readonly #deflated: readonly DeflatedText[];
  readonly #slab: Slab;
  readonly #scratch: Scratch;
  readonly #body: GzipBody;

  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    { caches, slab, scratch, gzipBody }: EncodingContext,
  ) {
    const bytesMax = jsonRowBytesMaxOf(columns);
    const pieces = columns.length + 2 +
      Math.ceil(bytesMax / STORED_TEXT_BYTES_MAX);
    this.frameBytes = jsonRowBytes(columns);
    this.frameBytesMax = bytesMax + PIECE_BYTES_MAX * pieces;
    this.#timeline = timeline;
    this.#texts = columns.map((column) => caches.textOf(column, timeline));
    this.#deflated = columns.map((column) =>
      caches.deflatedTextOf(column, timeline)
    );
    this.#slab = slab;
    this.#scratch = scratch;
    this.#body = gzipBody;
  }

  encode(row: number, isFill = false): Frame | null {
    const texts = this.#texts;
    const body = this.#body;
    body.begin(this.#scratch.body(this.frameBytesMax));
    const between = this.#scratch.message(HEAD_BYTES);
    body.store(between, writeRowHead(between, 0, this.#timeline, row));
    let isMissing = false;
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i]!;
      text.make(row, isFill);
      if (i > 0) {
        between[0] = COMMA;
        body.store(between, 1);
      }
      const { bytes } = text;
      if (bytes.byteLength < DEFLATE_BYTES_MIN) {
        body.store(bytes, bytes.byteLength);
      } else {
        const deflated = this.#deflated[i]!;
        deflated.make();
        body.addDeflated(deflated);
      }
      if (text.missing !== null) isMissing = true;
    }
    const tail = rowTail(texts, isMissing);
    body.store(tail, tail.byteLength);
    return body.frame(this.#slab);
  }
}
