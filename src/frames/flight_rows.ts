// Rows as messages of Arrow Flight. The Arrow message is written once, in its place. The bytes that Flight needs in front
// of its metadata replace its prefix; those between metadata and body replace the unused bytes at the end of the metadata.
// Invariant: the samples are copied once, out of the page ring.
import { PREFIX_BYTES } from "../arrow/message_header.ts";
import { UNUSED_BYTES } from "../arrow/row_template.ts";
import type { StreamTemplate } from "../arrow/stream_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { EncodingContext } from "./encoding_context.ts";
import { betweenOf, headOf } from "./flight_data.ts";
import type { MessageSource } from "./message_source.ts";
import type { Column } from "./row_plan.ts";
import { RowMessages } from "./row_messages.ts";

/** The rows of one selection; a channel without samples is a list of nulls. */
export class FlightRows implements MessageSource {
  readonly template: StreamTemplate;
  readonly isFixedLength = true;
  readonly messageBytes: number;
  readonly #rows: RowMessages;
  readonly #head: Uint8Array;
  readonly #between: Uint8Array;
  /** Where the Arrow message begins, and where `#between` does, from the start of the whole. */
  readonly #messageAt: number;
  readonly #betweenAt: number;

  /** `columns` sorted by name. */
  constructor(
    timeline: Timeline,
    columns: readonly Column[],
    context: EncodingContext,
  ) {
    const rows = this.#rows = new RowMessages(
      timeline,
      columns,
      context,
      "flight",
    );
    this.template = rows.template;
    const bodyBytes = rows.messageBytes - rows.template.headBytes;
    this.#between = betweenOf(bodyBytes);
    if (this.#between.byteLength > UNUSED_BYTES) {
      throw new RangeError(`A row of ${bodyBytes} bytes is too long`);
    }
    const headerBytes = rows.template.headBytes - PREFIX_BYTES -
      this.#between.byteLength;
    this.#head = headOf(headerBytes, bodyBytes);
    // The metadata of a batch has more than 127 bytes, so the head has at least the bytes of the prefix.
    this.#messageAt = this.#head.byteLength - PREFIX_BYTES;
    this.#betweenAt = this.#head.byteLength + headerBytes;
    this.messageBytes = this.#messageAt + rows.messageBytes;
  }

  get messageBytesMax(): number {
    return this.messageBytes;
  }

  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number {
    const end = this.#rows.fill(row, target, at + this.#messageAt, isFill);
    target.set(this.#head, at);
    target.set(this.#between, at + this.#betweenAt);
    return end;
  }
}
